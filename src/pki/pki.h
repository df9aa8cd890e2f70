/*
 * Certificates on disk: who we are (own), whom we believe (trusted), who may stand between (issuers), and whom we turned
 * away (rejected). One store a side: `ot` for what speaks to machines, `it` for what speaks to offices; neither reads the
 * other's keys. The layout is that of OPC 10000-12 F.1 and the stacks that follow it, so files may be copied in by hand:
 *
 *	<state>/pki/<side>/
 *	  own/		cert.der key.pem		what we show, and its key (0600)
 *			next.cert.der next.key.pem	made ahead of a renewal, so that peers can be told first
 *			next.csr.pem			what the plant's own CA is asked to sign; its key is next.key.pem
 *			previous.cert.der previous.key.pem	what we showed before: the way back
 *	  trusted/certs/ *.der	peers, or CAs whose every application is a peer	trusted/crl/ *.crl
 *	  issuers/certs/ *.der	CAs that complete a chain and lend no trust		issuers/crl/ *.crl
 *	  rejected/ *.der	turned away for lack of trust, with a .txt beside each: when, from where, why
 *	  peers/	*.txt	what linked nodes know of our certificates, see succeed.h
 *	  changes.log		one line a change of any of these
 *
 * A certificate's file is named "<common name> [<SHA-1 thumbprint>].der"; whatever name a person gives is as good, and
 * PEM is read as well (.pem .crt .cer .der .crl). Everything written appears whole or not at all.
 *
 * A `struct pki` belongs to one thread and holds no open file and no secret, only public certificates; several processes may work on one side at
 * once. All calls read the disk and block as long as it does; those that make a key take up to some seconds.
 * After a failure pki_why() has a text for the person who must act.
 */
#ifndef PKI_PKI_H
#define PKI_PKI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "os/disk.h"

#define PKI_CHAIN_MAX		10u		/* certificates of one chain, the peer's own included */
#define PKI_CHAIN_BYTES_MAX	(64u << 10)	/* a chain as received */
#define PKI_FILE_MAX		(1u << 20)	/* one file of a list; a revocation list of 20,000 entries fits */
#define PKI_LIST_MAX		1000u		/* files of one list that are looked at */
#define PKI_REJECTED_MAX	100u		/* certificates kept in rejected/; the oldest goes */
#define PKI_URI_MAX		256u		/* an ApplicationURI, with its NUL */
#define PKI_NAME_MAX		256u		/* a subject in one line, with its NUL */
#define PKI_NAMES_MAX		32u		/* DNS names or IP addresses of an own certificate */
#define PKI_SHA1_TEXT		41u		/* a thumbprint in hex, upper case, with its NUL */
#define PKI_SHA256_TEXT		65u
#define PKI_DAYS_WARN		30		/* from so many days before its end a certificate is "soon" */

enum pki_side { PKI_OT, PKI_IT };
const char *pki_side_name(enum pki_side side);			/* "ot", "it" */
int pki_side_parse(const char *name, enum pki_side *out);	/* 0 or ERR_SYNTAX */

struct pki;

/*
 * state  the state directory, which must exist; the store's folders are made in it
 * disk   borrowed for the life of the handle; NULL for the real one
 * 0 and *out given, to pki_close(); ERR_NOMEM, ERR_LIMIT (path too long) or what the disk says. *out is given even then
 * (NULL only without memory), for pki_why().
 */
int pki_open(const char *state, enum pki_side side, const struct disk *disk, struct pki **out);
void pki_close(struct pki *p);
/*
 * Whoever wants to know of each change of any store of this process besides changes.log and the log: set it before the
 * first store is opened. It is called in whatever thread makes the change, after it.
 */
struct pki_change { const char *side, *what, *by, *subject, *sha1, *detail; };	/* as in changes.log; borrowed */
void pki_on_change(void (*told)(const struct pki_change *c));
/* Why the last call failed: one or two sentences without a newline. Borrowed until the next call. */
const char *pki_why(const struct pki *p);
/* The side's folder, "<state>/pki/<side>". Borrowed. */
const char *pki_dir(const struct pki *p);
/* Who changes things, for changes.log and the log ("maria", "field:line-3"); copied. Without it: "the gateway". */
void pki_set_actor(struct pki *p, const char *actor);

/* ---- our own certificate (own.c, make.c) ---- */

struct pki_own {
	uint8_t		*cert;			/* DER, ours alone */
	size_t		 cert_len;
	uint8_t		*chain;			/* DER, ours then its issuers as far as the store knows them (OPC 10000-6, 6.2.6) */
	size_t		 chain_len;
	uint8_t		*key;			/* DER, PKCS#1 RSAPrivateKey (RFC 8017, A.1.2), as open62541 takes it */
	size_t		 key_len;
	char		 uri[PKI_URI_MAX];	/* the ApplicationURI to announce: it must be the certificate's */
	char		 sha1[PKI_SHA1_TEXT];
	struct wall	 not_before, not_after;
	uint64_t	 generation;		/* of pki_own_generation() when this was read */
};

/*
 * Certificate and key that belong together, whatever a renewal is doing at that moment. *out is given on success (pki_own_fini()).
 * ERR_NOTFOUND: there is none yet. ERR_DENIED: others may read the key, so it is no secret; nothing is used then.
 * ERR_CORRUPT: damaged, or key and certificate are no pair. Expiry is no failure here: look at not_after.
 */
int pki_own_load(struct pki *p, struct pki_own *out);
/* *to given (pki_own_fini()). 0 or ERR_NOMEM. */
int pki_own_copy(struct pki_own *to, const struct pki_own *from);
/* Wipes and frees; a zeroed struct is fine. */
void pki_own_fini(struct pki_own *o);
/*
 * A number that changes when own certificate or key are replaced; 0 while there is none. Two stat() calls: compare it with
 * .generation before each connect (a client) or now and then (a server), and load anew when it differs.
 */
uint64_t pki_own_generation(struct pki *p);

/* What an own certificate is to say. All borrowed; OPC 10000-6 1.05, 6.2.2. */
struct pki_spec {
	const char	*uri;			/* ApplicationURI, kept over renewals; pki_uri() makes one */
	const char	*common_name;		/* NULL: "Penstock ot" or the like */
	const char	*organization;		/* NULL: none */
	const char	*dns[PKI_NAMES_MAX];	/* NULL-ended unless full; names by which peers reach us */
	const char	*ip[PKI_NAMES_MAX];	/* IPv4 or IPv6 as text, likewise */
	bool		 server;		/* others connect to us with it, on the OT side too (the IT side's is always for both) */
	unsigned	 bits;			/* 2048, 3072, 4096: what all three current policies admit; 0: 3072 */
	unsigned	 days;			/* validity; 0: 730 */
};

/* "urn:<host>:penstock:<site>:<side>" with what a URN may not hold percent-encoded (RFC 8141). 0 or ERR_LIMIT. */
int pki_uri(const char *host, const char *site, enum pki_side side, char out[PKI_URI_MAX]);
/* This machine's name; what to put into .dns[0] and pki_uri() when nobody says otherwise. Static storage. */
const char *pki_host(void);
/* Make key and self-signed certificate. ERR_EXISTS when there is a certificate (pki_renew_stage() is for that). */
int pki_own_make(struct pki *p, const struct pki_spec *spec, struct wall now);
/* pki_own_load(), and if there is none pki_own_make() first: the first start of a process. Several may do it at once. */
int pki_own_ensure(struct pki *p, const struct pki_spec *spec, struct wall now, struct pki_own *out);
/*
 * Make a key and a request for the plant's CA at own/next.csr.pem (PKCS#10, RFC 2986). With a certificate of our own in
 * place its subject, URI, names and key length are asked for again; spec may be NULL then.
 */
int pki_own_request(struct pki *p, const struct pki_spec *spec);

/* ---- renewal (renew.c) ---- */

/* Make own/next.*: a new key, and a self-signed certificate with the same subject, URI and names. ERR_EXISTS when one waits
 * already, ERR_NOTFOUND without a certificate, ERR_TYPE when a CA signed ours (pki_own_request() is for that). */
int pki_renew_stage(struct pki *p, unsigned days, struct wall now);
/* Put next in force; what was in force becomes previous. ERR_NOTFOUND when nothing is staged. A power cut leaves one or the other. */
int pki_renew_activate(struct pki *p);
/* The reverse: put previous in force again; what was in force becomes next. ERR_NOTFOUND, or ERR_DENIED when it has expired. */
int pki_renew_back(struct pki *p, struct wall now);

/* Give up what is staged or requested: own/next.* go. ERR_NOTFOUND when there is nothing. */
int pki_renew_cancel(struct pki *p);

enum pki_due { PKI_DUE_NOTHING, PKI_DUE_STAGE, PKI_DUE_ACTIVATE, PKI_DUE_PERSON };
/*
 * What renewal asks for now: stage `before_days` ahead of the end, activate `overlap_days` ahead of it (peers are told in
 * between), or a person (a CA must sign). Reads two files.
 */
enum pki_due pki_renew_due(struct pki *p, unsigned before_days, unsigned overlap_days, struct wall now);
/* Do what pki_renew_due() says. *did: what was done. Makes a key: never from a loop that scans. */
int pki_renew_auto(struct pki *p, unsigned before_days, unsigned overlap_days, struct wall now, enum pki_due *did);

/* ---- judging a peer (verify.c) ---- */

/* Status codes of OPC 10000-4 1.05, 6.1.3 table 100, values of OPC 10000-6 A.2; in the order of the steps. */
#define PKI_STATUS_LIST(X)						\
	X(BadCertificateInvalid,		0x80120000)		\
	X(BadCertificateChainIncomplete,	0x810D0000)		\
	X(BadCertificatePolicyCheckFailed,	0x81140000)		\
	X(BadCertificateUntrusted,		0x801A0000)		\
	X(BadCertificateTimeInvalid,		0x80140000)		\
	X(BadCertificateIssuerTimeInvalid,	0x80150000)		\
	X(BadCertificateHostNameInvalid,	0x80160000)		\
	X(BadCertificateUriInvalid,		0x80170000)		\
	X(BadCertificateUseNotAllowed,		0x80180000)		\
	X(BadCertificateIssuerUseNotAllowed,	0x80190000)		\
	X(BadCertificateRevocationUnknown,	0x801B0000)		\
	X(BadCertificateIssuerRevocationUnknown, 0x801C0000)		\
	X(BadCertificateRevoked,		0x801D0000)		\
	X(BadCertificateIssuerRevoked,		0x801E0000)		\
	X(BadSecurityChecksFailed,		0x80130000)

enum pki_status {
	PKI_Good = 0,
#define X(name, code) PKI_##name = (int32_t)code,
	PKI_STATUS_LIST(X)
#undef X
};
const char *pki_status_name(enum pki_status status);	/* "BadCertificateUntrusted"; "Good"; static */

enum pki_role { PKI_SERVER, PKI_CLIENT };	/* what the peer is */

struct pki_peer {
	const uint8_t	*chain;		/* borrowed: DER as received, the peer's own first, its issuers appended (OPC 10000-6, 6.2.6) */
	size_t		 len;
	enum pki_role	 role;
	const char	*from;		/* endpoint or address, for texts and rejected/ */
	const char	*host;		/* name or address that we dialled, must be in it; NULL: not asked (a client's) */
	const char	*uri;		/* ApplicationURI that the peer claims, must be in it; NULL: not asked */
	const char	*policy;	/* security policy URI, for key length and hash; NULL: as the current three want it */
	bool		 crl_optional;	/* a missing or expired revocation list is no refusal; one that is there counts */
	bool		 introduced;	/* another proof vouches for it (enrol/, succeed.h): judged as if it itself were trusted */
	bool		 ca_as_peer;	/* admit a self-signed device certificate marked as CA, if it itself is trusted */
	struct wall	 now;
};

struct pki_verdict {
	int		 err;			/* 0 trusted; ERR_DENIED refused; anything else: could not be judged, so refused */
	enum pki_status	 status;		/* PKI_Good or PKI_Bad...; OPC 10000-4 wants servers to tell clients
						 * BadSecurityChecksFailed instead and to keep this one for their own log */
	char		 subject[PKI_NAME_MAX];	/* of the certificate at fault (the peer's, or an issuer's) */
	char		 sha1[PKI_SHA1_TEXT];	/* its thumbprint */
	char		 list[512];		/* the folder or file that decided, "" when none did */
	char		 field[64];		/* the field of the certificate that decided ("subjectAltName", "notAfter"), or "" */
	struct wall	 not_after;		/* of the peer's certificate; 0 when it could not be read */
	char		 text[2048];		/* for people: which certificate, which list, which field, likely cause, what to do */
};

/*
 * The steps of OPC 10000-4 table 100 in their order; the first that fails decides. Then OpenSSL's own path validation has
 * the last word (name constraints, critical extensions). What is refused for lack of trust is kept in rejected/.
 * Returns v->err. An empty trust list trusts nobody.
 */
int pki_verify(struct pki *p, const struct pki_peer *peer, struct pki_verdict *v);

/* ---- what there is (list.c) ---- */

enum pki_place {
	PKI_OWN, PKI_NEXT, PKI_PREVIOUS, PKI_TRUSTED, PKI_ISSUERS, PKI_REJECTED, PKI_TRUSTED_CRL, PKI_ISSUERS_CRL, PKI_PLACES
};
const char *pki_place_name(enum pki_place place);	/* "own", "next", ..., "trusted/crl" */

struct pki_item {
	enum pki_place	 place;
	char		 path[512];
	int		 err;			/* the file cannot be used: ERR_CORRUPT...; then only place and path are set */
	char		 subject[PKI_NAME_MAX], issuer[PKI_NAME_MAX];
	char		 sha1[PKI_SHA1_TEXT];	/* "" for a revocation list */
	char		 sha256[PKI_SHA256_TEXT];
	char		 uri[PKI_URI_MAX];	/* ApplicationURI, "" if it has none */
	bool		 ca, self_signed;
	struct wall	 not_before, not_after;	/* of a revocation list: thisUpdate, nextUpdate */
	int32_t		 days_left;		/* whole days until not_after, negative when it is over */
	const uint8_t	*der;			/* of a certificate; borrowed during the call */
	size_t		 der_len;
	/* Of a rejected one, from the note beside it: shown by whom, last when, refused how and why. Empty without a note. */
	char		 from[200], status[48], why[1536];
	struct wall	 seen;
};

/* Every certificate and revocation list of the store; each() returns nonzero to end early, and that is returned. */
int pki_each(struct pki *p, struct wall now, int (*each)(void *arg, const struct pki_item *item), void *arg);
/* Only what is in use (own, next, trusted, issuers and their lists) and ends within `days`, or has ended. */
int pki_each_ending(struct pki *p, unsigned days, struct wall now, int (*each)(void *arg, const struct pki_item *item), void *arg);
/* One warning in the log for each of these ("certificate_ends"), with what to do: for a process' start, and once a day. */
void pki_warn_ending(struct pki *p, unsigned days, struct wall now);
/* The certificates and lists in the bytes of a DER or PEM file, as rows of no place (place is PKI_PLACES, path ""). */
int pki_each_in(const void *bytes, size_t len, struct wall now, int (*each)(void *arg, const struct pki_item *item), void *arg);
/* All fields of a certificate for people, several lines; also for one that is not in any store. 0 or ERR_CORRUPT. */
int pki_describe(const uint8_t *der, size_t len, struct wall now, struct buf *out);

/* ---- decisions of a person (trust.c) ---- */

/* A SHA-1 or SHA-256 thumbprint or the beginning of one (8 digits at least); blanks and colons are ignored, case too. */
struct pki_print {
	char		 hex[PKI_SHA256_TEXT];	/* upper case */
	size_t		 len;
};
int pki_print_parse(const char *text, struct pki_print *out);	/* 0 or ERR_SYNTAX */

/*
 * Move what is in rejected/ to trusted/certs; if a CA signed it, its issuers found in rejected/ go to issuers/certs. *out, if not NULL: what is
 * trusted now. ERR_NOTFOUND; ERR_EXISTS when it is trusted already; ERR_RANGE when the thumbprint fits several.
 */
int pki_trust(struct pki *p, const struct pki_print *print, struct wall now, struct pki_item *out);
/* Move what is in trusted/certs or issuers/certs to rejected/: from the next connect on it is refused. Errors likewise. */
int pki_reject(struct pki *p, const struct pki_print *print, struct wall now, struct pki_item *out);

enum pki_as { PKI_AS_TRUSTED, PKI_AS_ISSUER };
struct pki_imported {
	unsigned	certs, crls;
	bool		own, staged;	/* one was for us; it waits as next, since there is one in force */
};
/*
 * What a person brings: bytes of a DER or PEM file. Certificates go to trusted or issuers as asked; a revocation list to
 * the list that holds its CA; a certificate for the key that waits in own/next.key.pem becomes own (at once when there was
 * none, else staged as next). Nothing is stored unless all of it can be read. ERR_SYNTAX, ERR_LIMIT, ERR_NOTFOUND (list of an unknown CA).
 */
int pki_import(struct pki *p, const void *bytes, size_t len, enum pki_as as, struct wall now, struct pki_imported *out);

#endif
