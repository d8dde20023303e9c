/* What every program of the bench shares: an export, memory that is handed out once, numbers that look random. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RUN __attribute__((export_name("run"))) int run(void)

static uint32_t seed_;

static inline void seed(uint32_t value) { seed_ = value | 1; }

static inline uint32_t next(void) {
  seed_ ^= seed_ << 13;
  seed_ ^= seed_ >> 17;
  seed_ ^= seed_ << 5;
  return seed_;
}
