/* CRC-32C (Castagnoli, reflected 0x82F63B78), RFC 3720 B.4. Start with 0, pass the result on to continue. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(uint32_t crc, const void *p, size_t len);

#endif
