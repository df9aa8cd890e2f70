/* One judgement while it is made, shared by the files that hold its steps: verify.c, policy.c, usage.c, revoke.c. */
#ifndef PKI_JUDGE_H
#define PKI_JUDGE_H

#include "pki/inside.h"

struct judge {
	struct pki		*p;
	const struct pki_peer	*peer;
	struct pki_verdict	*v;
	struct pki_chain	 sent;		/* as received */
	struct pki_chain	 chain;		/* from the peer's own up to a self-signed one */
	struct pki_files	 trusted, issuers;
	struct pki_files	 crls;		/* of both lists */
	bool			 self_trusted;	/* the peer's own is in trusted */
};

/*
 * Fill the verdict and return ERR_DENIED. `at` is the certificate at fault (NULL: none could be read), field and list may be "". The text
 * says cause and remedy; who, which and what status are put before it.
 */
int judge_refuse(struct judge *j, enum pki_status status, X509 *at, const char *field, const char *list, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

/* " (<file> cannot be used: <why>)" for the first file of a list that is damaged, too large or not readable; else "". Into out. */
void judge_unusable(const struct pki_files *f, char *out, size_t size);

/* Steps of OPC 10000-4 1.05, table 100: 0 or what judge_refuse() returned. */
int judge_policy(struct judge *j);	/* policy.c: key length and hash */
int judge_host(struct judge *j);	/* usage.c: whom it names and what it may be used for */
int judge_uri(struct judge *j);
int judge_usage(struct judge *j);
int judge_revocation(struct judge *j);	/* revoke.c: both steps about revocation lists */

#endif
