/* CRC-64/NVME, the checksum behind Azure's x-ms-content-crc64. It finds accidents, never malice: what must be proved is
 * proved by SHA-256. Pure.
 * Source: NVM Express "64b CRC"; polynomial 0xAD93D23594C93659, reflected, all ones in and out.
 * Check: "123456789" gives 0xAE8B14860A799888. */
#ifndef AIRLOCK_BASE_CRC64_H
#define AIRLOCK_BASE_CRC64_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of what came before (0 for nothing) and then len bytes. The fastest way this machine has is chosen at
 * the first call. Any thread. */
uint64_t crc64_update(uint64_t crc, const void *bytes, size_t len);
/* The same without special instructions: what runs where there are none. */
uint64_t crc64_update_portable(uint64_t crc, const void *bytes, size_t len);

#endif
