/*
 * The proof of knowing an invitation's secret without saying it, bound to one TLS connection and to both certificates:
 *
 *	HMAC-SHA-256 (RFC 2104), key: the secret, over
 *		"penstock enrol 1 join" or "penstock enrol 1 welcome"	and a zero byte
 *		32 bytes: the connection's binding (RFC 9266), which nobody in the middle can make equal on both his legs
 *		32 bytes each: SHA-256 of the certificate (DER) of who joins, of who invited
 *		names of who joins and of who invited, each as u16 length (little-endian) and bytes
 *
 * Each side has a label of its own, so that a proof cannot be thrown back.
 */
#ifndef ENROL_PROOF_H
#define ENROL_PROOF_H

#include "enrol/secret.h"

#define ENROL_PROOF	32u

enum enrol_role { ENROL_JOINER, ENROL_INVITER };

struct enrol_facts {
	uint8_t		 binding[32];
	uint8_t		 cert[2][32];	/* SHA-256 by enum enrol_role */
	const char	*name[2];	/* likewise; 255 bytes at most */
};

/* The proof that `who` gives. 0, ERR_LIMIT (a name is too long), ERR_NOMEM. */
int enrol_proof(const struct enrol_secret *s, enum enrol_role who, const struct enrol_facts *f, uint8_t out[ENROL_PROOF]);
/* 0, or ERR_DENIED when `given` is not the proof of `who`; compared in constant time. */
int enrol_proof_check(const struct enrol_secret *s, enum enrol_role who, const struct enrol_facts *f, const uint8_t given[ENROL_PROOF]);

#endif
