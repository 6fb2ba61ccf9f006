/* SANITIZED: this is a build with the address sanitizer, which needs memory and files of its own. */
#ifndef AIRLOCK_TESTS_UNIT_SANITIZED_H
#define AIRLOCK_TESTS_UNIT_SANITIZED_H

#if defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#endif
