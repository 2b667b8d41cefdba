"""The kinds of the driver's instructions."""

(
    KERNEL, PRODUCT_32, PRODUCT_64, SCALED_32, SCALED_64, PICK_32, PICK_64, COPY, ROWS, ASK,
) = range(10)  # fmt: skip
