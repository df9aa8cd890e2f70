/*
 * What one connection between two nodes has to do with certificates after its greeting: both nodes renew theirs over it (pki/succeed.h). The lobby makes
 * it with what was shown and seen; the loop that uses the connection then lets it work. Looking costs the loop some file reads each hundredth part of
 * a certificate's life, an offer in either direction some milliseconds of RSA and a few synced writes, once in years; the key is made in a thread.
 */
#ifndef LINK_BOND_H
#define LINK_BOND_H

#include "pki/succeed.h"
#include "proto/link/link_conn.h"

struct bond {
	struct pki	*pki;		/* a handle of its own: the lobby's belongs to the lobby's thread */
	char		 peer[LINK_NAME_MAX + 1];
	char		 what[160];	/* for log lines: "sink=\"up\"" */
	enum pki_role	 role;		/* what the other node is */
	struct pki_own	 own;		/* what was shown to it */
	uint8_t		*leaf;		/* what it has shown */
	size_t		 leaf_len;
	uint8_t		 offered[PKI_SHA256];	/* over this connection; zeros: nothing */
	struct mono	 look_at;
};

/*
 * Load what is to be shown to the peer into *own, or make it if there is none; *own is left alone when it is that already. 0, or an error with a text in
 * pki_why(): ERR_EXPIRED when it has ended.
 */
int bond_show(struct pki *p, const char *name, const char *peer, const char *site, struct wall wall, struct pki_own *own);
/* Judge the other node's chain. True: it is the peer. Else *v says why, with the remedy where it is ours to know. */
bool bond_judge(struct pki *p, const char *peer, enum pki_role role, const uint8_t *chain, size_t len, const char *from, struct wall wall,
    struct pki_verdict *v);

/* The peer has said HELLO: what was shown it knows, and what it has shown it has. shown is copied. 0, or an error with a text in why. */
struct bond_begin {
	const char		*state, *peer, *what;
	enum pki_side		 side;
	enum pki_role		 role;
	const struct pki_own	*shown;
	const uint8_t		*chain;		/* the other's */
	size_t			 chain_len;
	struct mono		 now;
	struct wall		 wall;
};
int bond_begin(struct bond *b, const struct bond_begin *k, char *why, size_t size);
/* Call at each step of the connection: makes and offers what is due. Puts frames into c->out. */
void bond_step(struct bond *b, struct link_conn *c, struct mono now, struct wall wall);
/*
 * RENEW or RENEWED of the other node. 0: seen to. 1: it knows our next certificate: end this connection in good order and make another, which shows it.
 * ERR_UNSUPPORTED: it is another frame.
 */
int bond_frame(struct bond *b, struct link_conn *c, const struct link_frame *f, const char *from, struct wall wall);
/* A zeroed struct is fine. */
void bond_fini(struct bond *b);

#endif
