"""What a checker refuses: each line that ends in the code of mypy's error, and no other."""

import bpx
from bpx.interop import spectrum

net = bpx.Network([2, 1])
x, y = [[0.0, 1.0]], [1.0]
optimizer = bpx.Adam()

net.fit(x, y, epochs="many", batch_size=1, optimizer=optimizer)  # wrong: arg-type
print(net.forward(net.weights[0]).gradients)  # wrong: attr-defined
bpx.Trainer(net, optimizer=0.1)  # wrong: arg-type
bpx.train(net, (x, y), epochs=1, batch_size=1, optimizer="adam")  # wrong: arg-type

# A name that is misspelled

bpx.Network([2, 1], hidden="rely")  # wrong: arg-type
bpx.Network([2, 1], output="softmaks")  # wrong: arg-type
bpx.Network([2, 1], activations=["sigmoid", "sigmiod"])  # wrong: list-item
bpx.Network([2, 1], cost="crossentropy")  # wrong: arg-type
bpx.Network([2, 1], feedback="dfaa")  # wrong: arg-type
bpx.Network([2, 3, 1], norm="layr")  # wrong: arg-type
bpx.Network([2, 1], init="he")  # wrong: arg-type
bpx.Network([2, 1], dtype="float23")  # wrong: arg-type
bpx.Dense(2, 1, "rely")  # wrong: arg-type
bpx.Dense(2, 1, "relu", max_norm="2")  # wrong: arg-type
bpx.Dense(2, 1, "relu", False)  # wrong: call-arg
bpx.load("net", activations=["relu", "soft"])  # wrong: list-item
bpx.load("net", dtype="float16")  # wrong: arg-type
bpx.use(dtype="float16")  # wrong: arg-type
bpx.set_default(dtype="double")  # wrong: arg-type
bpx.asarray(x, dtype="double")  # wrong: arg-type
bpx.move_to(x, like=net.weights[0], dtype="float")  # wrong: arg-type
net.to(dtype="half")  # wrong: arg-type
net.evaluate(x, y, metrics=["absolute_eror"])  # wrong: list-item
bpx.activations.get("rely")  # wrong: arg-type
bpx.costs.get("hinges", bpx.activations.sigmoid)  # wrong: arg-type
bpx.feedback.get("random")  # wrong: arg-type
bpx.initializers.get("glorot")  # wrong: arg-type
bpx.metrics.get("accuracy")  # wrong: arg-type
bpx.inspect.check("rely")  # wrong: arg-type
bpx.privacy.DPSGD(noise_multiplier=1.0, accountant="gdp")  # wrong: arg-type
bpx.data.Schema.fit({}, task="class")  # wrong: arg-type
bpx.data.Schema.fit({}, scaling="minmax")  # wrong: arg-type
bpx.data.Schema.fit({}, unseen="drop")  # wrong: arg-type
bpx.data.Schema.fit({}, categories="ordinal")  # wrong: arg-type
spectrum.curvature_operator(net, x, y, kind="hesse")  # wrong: arg-type
spectrum.eigenpairs(None, which="LA")  # wrong: arg-type
net.fit(
    x,
    y,
    epochs=1,
    batch_size=1,
    optimizer=optimizer,
    class_weight="balance",  # wrong: arg-type
)
net.fit(
    x,
    y,
    epochs=1,
    batch_size=1,
    optimizer=optimizer,
    class_weight={0: "heavy"},  # wrong: arg-type
)
