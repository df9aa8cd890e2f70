/*
 * Succession: two nodes that are linked renew their certificates by themselves. A node makes its next pair when a third of the life of the present
 * one is left (pki_renew_soon()), and offers it to each node that it is linked with, signed by the key that this one knows. The other one believes
 * it beside the old one and says so; from then on the next one is shown to it, and when it has been seen the old one is believed no more.
 *
 * Each peer gets the certificate that it knows, whatever has become of the pair in force: next, cert or previous of own/. What a peer knows, and what we
 * know of it, stands in <store>/peers/<first 16 digits of the SHA-256 of its name>.txt:
 *
 *	penstock peer 1
 *	name NAME
 *	knows HASH	ours that it has confirmed last, '-' none
 *	next HASH	its next one, believed and not shown yet; '-' none
 *	before HASH	the one that this replaces
 *
 * HASH: SHA-256 of the certificate, 64 hex digits. A file that is damaged counts as none: then what is in force is shown.
 * When a sixteenth of the life is left the next pair is put in force for all else (pki_renew_activate()).
 */
#ifndef PKI_SUCCEED_H
#define PKI_SUCCEED_H

#include "pki/node.h"

#define PKI_SHARE_STAGE		3	/* the next pair is made when a third of the life is left */
#define PKI_SHARE_ACTIVATE	16	/* and put in force when a sixteenth is */
#define PKI_SIGNATURE_MAX	1024u
#define PKI_BINDING		32u

/* The pair of ours that this peer knows, and that has not ended if there is such a one. As pki_own_load(). */
int pki_own_shown(struct pki *p, const char *peer, struct wall now, struct pki_own *out);
/* Changes when another one may be shown to the peer; 0: there is none at all. Some stat() calls. */
uint64_t pki_shown_generation(struct pki *p, const char *peer);
/* The newest pair: what waits as next, else what is in force. */
int pki_own_newest(struct pki *p, struct pki_own *out);

/* The peer believes our certificate with this hash from now on. 0, or the disk's error with a text. */
int pki_known_by(struct pki *p, const char *peer, const uint8_t sha256[PKI_SHA256]);
/*
 * Sign an offer: by the key of `shown`, over "penstock link renewal 1", a zero byte, the connection's binding, and the hash of the next certificate;
 * RSASSA-PSS with SHA-256 and a salt of 32 bytes (RFC 8017, 8.1). 0 or ERR_CORRUPT.
 */
int pki_offer_sign(const struct pki_own *shown, const uint8_t binding[PKI_BINDING], const uint8_t sha256[PKI_SHA256], uint8_t sig[PKI_SIGNATURE_MAX],
    size_t *sig_len);

struct pki_offer {
	const char	*peer, *from;		/* name; address for texts */
	enum pki_role	 role;			/* what the peer is */
	const uint8_t	*leaf;			/* the certificate of the connection, which is judged already */
	size_t		 leaf_len;
	const uint8_t	*binding;
	const uint8_t	*sig;
	size_t		 sig_len;
	const uint8_t	*chain;			/* the next certificate, its issuers behind it */
	size_t		 chain_len;
	struct wall	 now;
};
/* Judge what a peer offers, and believe it beside the present one. All borrowed. 0 with the hash; ERR_DENIED and others with a text. */
int pki_offer_take(struct pki *p, const struct pki_offer *o, uint8_t sha256[PKI_SHA256]);
/* The peer has shown this certificate: if it is one that was offered, the one before is believed no more. */
void pki_peer_seen(struct pki *p, const char *peer, const uint8_t *leaf, size_t leaf_len, struct wall now);

/* What is due for a node's certificate, by shares of its life, which goes to *life_ns (0: there is none). Reads the pairs. */
enum pki_due pki_succession_due(struct pki *p, struct wall now, int64_t *life_ns);
/*
 * Do what is due, in a thread of its own since making a key takes long; one at a time in a process. Returns at once: in how many ns to call again, a two
 * hundredth of the life of the certificate in force, a second at least and an hour at most.
 */
int64_t pki_renew_soon(struct pki *p, struct wall now);

#endif
