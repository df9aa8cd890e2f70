/*
 * The erasure code of a block: systematic Reed-Solomon over GF(256) with a Cauchy matrix, by ISA-L. Any `used` of used + p symbols give the block
 * back. A block with fewer than k data symbols is one whose missing symbols are zero: neither sent nor computed.
 */
#ifndef PROTO_DIODE_FEC_H
#define PROTO_DIODE_FEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/diode/diode_wire.h"

struct diode_fec;

/* Given: diode_fec_free(). NULL: no memory, or k and p outside of the limits. */
struct diode_fec *diode_fec_new(uint32_t k, uint32_t p);
void diode_fec_free(struct diode_fec *f);
/* Make the p repair symbols of `used` data symbols, each of size bytes. */
void diode_fec_encode(struct diode_fec *f, uint32_t used, size_t size, uint8_t *const data[], uint8_t *const repair[]);
/*
 * Rebuild what is missing of the data symbols. symbol[0..used+p): room for each; have[i]: it is there. Fills the missing ones among the first `used`.
 * *inverted: a matrix had to be inverted (the pattern of losses was not that of the call before). 0; ERR_SHORT: fewer than `used` are there;
 * ERR_PROTO: cannot be for this code.
 */
int diode_fec_rebuild(struct diode_fec *f, uint32_t used, size_t size, uint8_t *const symbol[], const bool have[], bool *inverted);

#endif
