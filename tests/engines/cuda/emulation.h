// CUDA C on the host, for tests: a block's threads are fibers that take turns at barriers.
//
// One thread runs until it waits; then the next one does, in order or in reverse. A barrier
// that not all of a block (or warp) reach is reported, not waited for.

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <ucontext.h>

#define __device__
#define __global__
#define __forceinline__ inline
#define __launch_bounds__(threads)
#define __shared__ static

namespace emulation {

struct Index { unsigned int x; };
struct Barrier { int arrived = 0; long round = 0; };
// A fiber is begun by setcontext and then switched by _longjmp, which calls no system.
struct Fiber {
    ucontext_t begin;
    jmp_buf here;
    bool begun, done;
    Barrier* at;
    long until;
};
using Kernel = void (*)(char*, const long long*, int);

constexpr int WARP = 32, MOST = 1024, STACK = 64 * 1024;

Index threadIdx, blockIdx, blockDim, gridDim;
jmp_buf scheduler;
Fiber* fibers[MOST];
int current;
Barrier block_barrier, warp_barriers[MOST / WARP];
alignas(16) char exchanged[MOST][16];
struct { Kernel kernel; char* arena; const long long* slots; int step; } call;

__attribute__((noinline)) inline void yield(Fiber& f) {
    if (!_setjmp(f.here)) _longjmp(scheduler, 1);
}

inline void wait(Barrier& barrier, int threads) {
    Fiber& self = *fibers[current];
    if (++barrier.arrived == threads) {
        barrier.arrived = 0;
        ++barrier.round;
        return;
    }
    self.at = &barrier;
    self.until = barrier.round + 1;
    yield(self);
}

// One block after another.
inline void live() {
    for (;;) {
        call.kernel(call.arena, call.slots, call.step);
        Fiber& self = *fibers[current];
        self.done = true;
        yield(self);
    }
}

inline Fiber* born() {
    Fiber* f = new Fiber{};
    getcontext(&f->begin);
    f->begin.uc_stack.ss_sp = malloc(STACK);
    f->begin.uc_stack.ss_size = STACK;
    makecontext(&f->begin, live, 0);
    return f;
}

__attribute__((noinline)) inline void resume(Fiber& f) {
    if (_setjmp(scheduler)) return;
    if (f.begun) _longjmp(f.here, 1);
    f.begun = true;
    setcontext(&f.begin);
}

inline bool ready(const Fiber& f) { return !f.done && (!f.at || f.at->round >= f.until); }

// Fibers in the middle of a kernel are of no more use.
inline bool stuck() {
    for (auto& each : fibers) each = nullptr;
    return false;
}

// Whether all threads of a block came to its end.
inline bool run_block(int threads, bool reversed) {
    block_barrier = {};
    for (auto& each : warp_barriers) each = {};
    for (int i = 0; i < threads; ++i) {
        if (!fibers[i]) fibers[i] = born();
        fibers[i]->done = false;
        fibers[i]->at = nullptr;
    }
    for (bool moved = true; moved;) {
        moved = false;
        for (int n = 0; n < threads; ++n) {
            const int i = reversed ? threads - 1 - n : n;
            if (!ready(*fibers[i])) continue;
            moved = true;
            fibers[i]->at = nullptr;
            current = i;
            threadIdx.x = i;
            resume(*fibers[i]);
        }
    }
    for (int i = 0; i < threads; ++i) if (!fibers[i]->done) return stuck();
    return true;
}

}  // namespace emulation

using emulation::blockDim;
using emulation::blockIdx;
using emulation::threadIdx;

inline float __int_as_float(int x) { return __builtin_bit_cast(float, x); }
inline float __uint_as_float(unsigned int x) { return __builtin_bit_cast(float, x); }
inline unsigned int __float_as_uint(float x) { return __builtin_bit_cast(unsigned int, x); }
inline double __longlong_as_double(long long x) { return __builtin_bit_cast(double, x); }

inline void __syncthreads() { emulation::wait(emulation::block_barrier, blockDim.x); }
inline void __syncwarp() {
    emulation::wait(emulation::warp_barriers[threadIdx.x / emulation::WARP], emulation::WARP);
}

template <class T> T __shfl_xor_sync(unsigned int, T v, int distance) {
    const int self = threadIdx.x;
    *(T*)emulation::exchanged[self] = v;
    __syncwarp();
    threadIdx.x = self;
    const T other = *(T*)emulation::exchanged[self ^ distance];
    __syncwarp();
    return other;
}

// 0, or the number of the block, counted from 1, whose threads did not all come to the end.
extern "C" int emulate(
    emulation::Kernel kernel, int blocks, int threads, char* arena, const long long* slots,
    int step, int reversed) {
    emulation::call = {kernel, arena, slots, step};
    blockDim.x = threads;
    emulation::gridDim.x = blocks;
    for (int n = 0; n < blocks; ++n) {
        const int i = reversed ? blocks - 1 - n : n;
        blockIdx.x = i;
        if (!emulation::run_block(threads, reversed)) return i + 1;
    }
    return 0;
}
