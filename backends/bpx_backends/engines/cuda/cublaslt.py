"""Matrix products with cuBLASLt, through nvmath-python's bindings.

Everything that takes time or memory (handle, workspace, descriptors, the choice of an
algorithm) happens when a product is prepared, so the product itself can be captured.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any
from weakref import finalize

import cupy
import numpy as np

from bpx_backends.engines.cuda.items import Product
from bpx_backends.engines.cuda.products import Factor, Gemm, gemm

__all__ = ["LtProducts", "NoAlgorithmError"]

WORKSPACE = 32 * 2**20
"""Bytes, as NVIDIA recommends for Hopper."""
ALIGNMENT = 256


class NoAlgorithmError(Exception):
    """CuBLASLt has no algorithm for a product, or none with its epilogue.

    Attributes
    ----------
    shapes : pair of tuple of int
        The shapes of the product's factors.
    """

    def __init__(self, product: Product, why: str = "") -> None:
        a, b = product.a, product.b
        self.shapes = a.shape, b.shape
        told = f"cuBLASLt has no algorithm for {a.shape} @ {b.shape} in {a.dtype.name}"
        super().__init__(f"{told} ({why})" if why else told)


class LtProducts:
    """Products on the current device, in a precision."""

    def __init__(self, precision: str) -> None:
        # Imported here because the import takes long and needs the driver.
        kinds = import_module("nvmath").CudaDataType
        cublas = import_module("nvmath.bindings.cublas")
        self.lt = import_module("nvmath.bindings.cublasLt")
        self.operations = cublas.Operation
        self.types = {
            "float32": kinds.CUDA_R_32F,
            "float64": kinds.CUDA_R_64F,
            "float16": kinds.CUDA_R_16F,
            "bfloat16": kinds.CUDA_R_16BF,
        }
        compute = cublas.ComputeType
        single = compute.COMPUTE_32F  # true float32: no implicit TF32
        self.computes = {
            "float32": compute.COMPUTE_32F_FAST_TF32 if precision == "tf32" else single,
            "float64": compute.COMPUTE_64F,
        }
        self.handle = self.lt.create()
        self.workspace = cupy.cuda.alloc(WORKSPACE)
        _at_end(self, self.lt.destroy, self.handle)

    def prepare(self, product: Product, arena: int) -> Callable[[int], None]:
        """Return a function that puts a product on a stream, given the stream's address.

        Parameters
        ----------
        product : Product
        arena : int
            The address of the arena.

        Raises
        ------
        NoAlgorithmError
        """
        return _Prepared(self, product, arena)


class _Prepared:
    """A product with its descriptors and its algorithm."""

    def __init__(self, products: LtProducts, product: Product, arena: int) -> None:
        self.products, self.lt = products, products.lt
        shape = gemm(product)
        self.addresses = [arena + f.place.offset for f in (shape.a, shape.b, shape.d)]
        kind = shape.d.place.dtype.name
        self.alpha, self.beta = np.array([shape.alpha], kind), np.array([shape.beta], kind)
        self.description = self._description(shape, arena)
        self.layouts = [self._layout(each) for each in (shape.a, shape.b, shape.d)]
        self.found = self._found(product)

    def __call__(self, stream: int) -> None:
        (a, b, d), (a_layout, b_layout, d_layout) = self.addresses, self.layouts
        self.lt.matmul(
            self.products.handle,
            self.description,
            self.alpha.ctypes.data,
            a,
            a_layout,
            b,
            b_layout,
            self.beta.ctypes.data,
            d,  # C
            d_layout,
            d,
            d_layout,
            self.found.ctypes.data,  # begins with the algorithm
            self.products.workspace.ptr,
            WORKSPACE,
            stream,
        )

    def _description(self, shape: Gemm, arena: int) -> int:
        lt, products = self.lt, self.products
        kind = shape.d.place.dtype.name
        made = lt.matmul_desc_create(products.computes[kind], products.types[kind])
        _at_end(self, lt.matmul_desc_destroy, made)
        flags = products.operations
        settings = {
            "TRANSA": flags.T if shape.a.transposed else flags.N,
            "TRANSB": flags.T if shape.b.transposed else flags.N,
        }
        if shape.bias is not None:
            settings["EPILOGUE"] = lt.Epilogue.BIAS
            settings["BIAS_POINTER"] = arena + shape.bias.offset
        for name, value in settings.items():
            attribute = lt.MatmulDescAttribute[name]
            given = np.array([value], lt.get_matmul_desc_attribute_dtype(attribute))
            lt.matmul_desc_set_attribute(made, attribute, given.ctypes.data, given.nbytes)
        return int(made)

    def _layout(self, factor: Factor) -> int:
        kind = self.products.types[factor.place.dtype.name]
        made = self.lt.matrix_layout_create(kind, factor.rows, factor.columns, factor.step)
        _at_end(self, self.lt.matrix_layout_destroy, made)
        return int(made)

    def _found(self, product: Product) -> np.ndarray:
        """Return the algorithm that cuBLASLt prefers."""
        lt, (a, b, d) = self.lt, self.layouts
        found, count = np.zeros(1, lt.matmul_heuristic_result_dtype), np.zeros(1, np.int32)
        preference = self._preference()
        try:
            lt.matmul_algo_get_heuristic(
                self.products.handle, self.description, a, b, d, d, preference,
                1, found.ctypes.data, count.ctypes.data,
            )  # fmt: skip
        except lt.cuBLASLtError as why:
            raise NoAlgorithmError(product, str(why)) from why
        finally:
            lt.matmul_preference_destroy(preference)
        if count[0] == 0 or found["state"][0] != 0:
            raise NoAlgorithmError(product)
        return found

    def _preference(self) -> int:
        lt = self.lt
        made = lt.matmul_preference_create()
        a, b, d = (_alignment(address) for address in self.addresses)
        settings = {
            "MAX_WORKSPACE_BYTES": WORKSPACE,
            "MIN_ALIGNMENT_A_BYTES": a,
            "MIN_ALIGNMENT_B_BYTES": b,
            "MIN_ALIGNMENT_C_BYTES": d,
            "MIN_ALIGNMENT_D_BYTES": d,
        }
        for name, value in settings.items():
            attribute = lt.MatmulPreferenceAttribute[name]
            given = np.array([value], lt.get_matmul_preference_attribute_dtype(attribute))
            lt.matmul_preference_set_attribute(made, attribute, given.ctypes.data, given.nbytes)
        return int(made)


def _alignment(address: int) -> int:
    """Return the largest power of two that divides an address, up to `ALIGNMENT`."""
    return min(ALIGNMENT, address & -address)


def _at_end(of: Any, function: Callable[[int], None], made: int) -> None:
    """Free what was made for an object when the object goes, but not at process exit."""
    finalize(of, function, made).atexit = False
