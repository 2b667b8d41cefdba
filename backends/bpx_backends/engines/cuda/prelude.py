"""The beginning of every generated source: vectors, reductions, half precision.

In a reduction, a group of `LANES` neighbouring threads shares a row; LANES is a power of two.
Shuffles, barriers and shared memory are used in a fixed order, so equal runs give equal bits.
"""

__all__ = ["PRELUDE"]

PRELUDE = r"""
struct Half { unsigned short bits; };
struct Bfloat { unsigned short bits; };

template <class T, int W> struct alignas(sizeof(T) * W) Vector { T at[W]; };

template <int W, class T> __device__ __forceinline__ void load(const T* from, T (&to)[W]) {
    const Vector<T, W> v = *reinterpret_cast<const Vector<T, W>*>(from);
    #pragma unroll
    for (int u = 0; u < W; ++u) to[u] = v.at[u];
}

template <int W, class T> __device__ __forceinline__ void store(T* to, const T (&from)[W]) {
    Vector<T, W> v;
    #pragma unroll
    for (int u = 0; u < W; ++u) v.at[u] = from[u];
    *reinterpret_cast<Vector<T, W>*>(to) = v;
}

// Half precision, rounded to nearest, ties to even.
__device__ __forceinline__ Half to_half(float x) {
    const unsigned int bits = __float_as_uint(x), sign = (bits >> 16) & 0x8000u;
    unsigned int size = bits & 0x7fffffffu;
    if (size > 0x7f800000u) return Half{(unsigned short)(sign | 0x7e00u)};
    if (size >= 0x477ff000u) return Half{(unsigned short)(sign | 0x7c00u)};
    if (size < 0x38800000u) {  // subnormal: the addition rounds
        const float shifted = __uint_as_float(size) + 0.5f;
        return Half{(unsigned short)(sign | (__float_as_uint(shifted) - 0x3f000000u))};
    }
    size += 0xfffu + ((size >> 13) & 1u);
    return Half{(unsigned short)(sign | ((size - 0x38000000u) >> 13))};
}

__device__ __forceinline__ Bfloat to_bfloat(float x) {
    const unsigned int bits = __float_as_uint(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) {
        return Bfloat{(unsigned short)((bits >> 16) | 0x40u)};
    }
    return Bfloat{(unsigned short)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
}

template <class T> __device__ __forceinline__ T whole_power(T x, T n) {
    T y = 1;
    for (; n > 0; n >>= 1, x *= x) if (n & 1) y *= x;
    return y;
}

// Reductions. NaN wins; argmax is the first of the largest, and NaN counts as largest.
struct Sum {
    template <class T> static __device__ __forceinline__ T of(T a, T b) { return a + b; }
};
struct Largest {
    template <class T> static __device__ __forceinline__ T of(T a, T b) {
        return (a >= b || a != a) ? a : b;
    }
};
struct Smallest {
    template <class T> static __device__ __forceinline__ T of(T a, T b) {
        return (a <= b || a != a) ? a : b;
    }
};
template <class T> struct Found { T value; long long index; };
struct First {
    template <class T>
    static __device__ __forceinline__ Found<T> of(Found<T> a, Found<T> b) {
        const bool above = a.value > b.value || (a.value != a.value && b.value == b.value);
        const bool below = b.value > a.value || (b.value != b.value && a.value == a.value);
        return above || (!below && a.index < b.index) ? a : b;
    }
};

template <class T> struct Register { typedef T type; };
template <> struct Register<signed char> { typedef int type; };
template <> struct Register<unsigned char> { typedef int type; };
template <> struct Register<short> { typedef int type; };
template <> struct Register<unsigned short> { typedef int type; };

template <class T> __device__ __forceinline__ T shuffled(T v, int distance) {
    return (T)__shfl_xor_sync(0xffffffffu, (typename Register<T>::type)v, distance);
}
template <class T> __device__ __forceinline__ Found<T> shuffled(Found<T> v, int distance) {
    return Found<T>{shuffled(v.value, distance), shuffled(v.index, distance)};
}

// Over the threads of a group. Every thread of the block takes part; each gets the result.
template <class Op, int LANES, class T>
__device__ __forceinline__ T over_lanes(T v, char* memory) {
    #pragma unroll
    for (int d = (LANES < 32 ? LANES : 32) / 2; d > 0; d /= 2) v = Op::of(v, shuffled(v, d));
    if (LANES > 32) {
        T* shared = reinterpret_cast<T*>(memory);
        __syncthreads();  // what was there has been read
        if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = v;
        __syncthreads();
        const int first = threadIdx.x / LANES * (LANES / 32);
        v = shared[first];
        #pragma unroll
        for (int w = 1; w < LANES / 32; ++w) v = Op::of(v, shared[first + w]);
    }
    return v;
}

// Over the block's groups, lane by lane. The first group gets the result.
template <class Op, int LANES, class T>
__device__ __forceinline__ T over_groups(T v, char* memory) {
    T* shared = reinterpret_cast<T*>(memory);
    __syncthreads();  // what was there has been read
    shared[threadIdx.x] = v;
    for (int half = blockDim.x / 2; half >= LANES; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) v = shared[threadIdx.x] = Op::of(v, shared[threadIdx.x + half]);
    }
    return v;
}

// What a row's own threads have read may now be overwritten.
template <int LANES> __device__ __forceinline__ void row_read() {
    if (LANES > 32) __syncthreads(); else __syncwarp();
}

extern "C" __global__ void advance(long long* slots, int steps) { slots[0] += steps; }
"""
