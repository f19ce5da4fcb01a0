// decay(): the weight of the past in exponential moving averages. Stateless.
#pragma once

namespace ledge {

/// e to the power of -x, x >= 0, to four digits: an average needs no more, and the mathematical library would cost the
/// process 0.3 MB of memory for this one function.
inline double decay(double x) {
    if (x >= 64) return 0;
    // (1 - x / n) to the power of n, for n = 2 to the power of 20
    double result = 1 - x / (1 << 20);
    for (int i = 0; i < 20; ++i) result *= result;
    return result;
}

}  // namespace ledge
