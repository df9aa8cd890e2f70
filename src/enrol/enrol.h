/*
 * One enrolment over one connection: two nodes that know one secret make each other's certificates known to their stores.
 *
 *	joiner				inviter
 *	TLS 1.3, each shows the certificate of its link and proves to have its key; nobody is believed yet
 *	JOIN: names, proof ->		the proof fits: this certificate may have the invitation, no other; it is judged and pinned
 *			<- WELCOME: proof
 *	judged and pinned
 *	PINNED ->			done
 *
 * A connection that is lost in between may be made again with the same certificate; another one with the right secret is refused, and said aloud.
 * Somebody who relays TLS with a certificate of his own has two connections with two bindings: neither proof fits (proof.h).
 * Sans I/O, but for the store that it pins in.
 */
#ifndef ENROL_ENROL_H
#define ENROL_ENROL_H

#include "enrol/proof.h"
#include "pki/succeed.h"
#include "proto/link/link_conn.h"

#define ENROL_PORT	7434
#define ENROL_TIME_NS	(20 * NS_PER_S)	/* for the whole of one connection */
#define ENROL_WRONG_MAX	10u		/* wrong proofs that an invitation outlives */

/* What an invitation remembers over connections. */
struct invitation {
	unsigned	wrong;			/* proofs that did not fit */
	bool		taken;			/* by the certificate with this hash */
	uint8_t		by[PKI_SHA256];
};

struct enrol_conf {
	enum enrol_role		 role;
	const char		*name, *peer;	/* ours; whom we want. Borrowed for as long as the session, as all here */
	const struct enrol_secret *secret;
	struct pki		*pki;
	const struct pki_own	*own;
	struct invitation	*invitation;	/* NULL for who joins */
	ssize_t			(*read)(int fd, void *p, size_t len);	/* as in struct link_io */
	ssize_t			(*write)(int fd, const void *p, size_t len);
};

enum enrol_state { ENROL_GREETING, ENROL_SAID, ENROL_DONE, ENROL_OVER };

struct enrol {
	const struct enrol_conf	*conf;
	struct link_conn	 c;
	enum enrol_state	 state;
	struct mono		 until;
	struct wall		 wall;		/* of the present step */
	char			 from[100];	/* address, for texts */
	uint8_t			*chain;		/* the other one's, DER */
	size_t			 chain_len, leaf_len;
	struct enrol_facts	 facts;
	bool			 wrong;		/* a proof did not fit */
	char			 why[1400];	/* how it ended, when not well; plain text of one line */
};

/* fd borrowed. 0, or an error with a text in e->why. Then, as after all else, enrol_fini(). */
int enrol_init(struct enrol *e, const struct enrol_conf *conf, int fd, const char *from, struct mono now);
void enrol_fini(struct enrol *e);
/* Call when the descriptor is ready, and at enrol_next(). 0: goes on, or ENROL_DONE is reached; an error: over, e->why says how. */
int enrol_step(struct enrol *e, struct mono now, struct wall wall);
struct mono enrol_next(const struct enrol *e);
/* The other one's certificate, once its TLS was well. NULL before. */
const uint8_t *enrol_cert(const struct enrol *e, size_t *len);

#endif
