// The three functions of a C library that the compiler itself may call. Compiled with
// -fno-tree-loop-distribute-patterns: otherwise the compiler finds a memcpy in memcpy and calls it.
#include <stddef.h>

void* memcpy(void* to, const void* from, size_t bytes);
void* memset(void* to, int value, size_t bytes);
int memcmp(const void* left, const void* right, size_t bytes);

void* memcpy(void* to, const void* from, size_t bytes) {
    unsigned char* out = (unsigned char*)to;
    const unsigned char* in = (const unsigned char*)from;
    while (bytes--) *out++ = *in++;
    return to;
}

void* memset(void* to, int value, size_t bytes) {
    unsigned char* out = (unsigned char*)to;
    while (bytes--) *out++ = (unsigned char)value;
    return to;
}

int memcmp(const void* left, const void* right, size_t bytes) {
    const unsigned char* a = (const unsigned char*)left;
    const unsigned char* b = (const unsigned char*)right;
    for (; bytes--; ++a, ++b) {
        if (*a != *b) return *a - *b;
    }
    return 0;
}
