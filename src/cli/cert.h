/* What the files of `penstock cert` share: arguments read once, and the verbs. */
#ifndef CLI_CERT_H
#define CLI_CERT_H

#include "pki/pki.h"

#define CERT_ARGS_MAX	32

struct cert_args {
	const char	*state;
	char		 actor[64];		/* who gives the command */
	bool		 has_side, json;
	enum pki_side	 side;
	int		 n;
	const char	*arg[CERT_ARGS_MAX];	/* what stands behind the verb */
	struct buf	 file[CERT_ARGS_MAX];	/* content of those that are files; empty otherwise */
	bool		 is_file[CERT_ARGS_MAX];
	/* new */
	bool		 csr;
	const char	*host, *site;
	struct pki_spec	 spec;
	int		 ndns, nip;
	/* renew */
	bool		 stage, activate, back, cancel, automatic;
	unsigned	 before_days, overlap_days, days;
};

/* Each: exit status. p is the side's store, open; NULL for list and show, which look at both unless told. */
int cert_list(struct cert_args *a);
int cert_show(struct cert_args *a);
int cert_new(struct cert_args *a, struct pki *p);
int cert_trust(struct cert_args *a, struct pki *p);
int cert_reject(struct cert_args *a, struct pki *p);
int cert_renew(struct cert_args *a, struct pki *p);
int cert_import(struct cert_args *a, struct pki *p);

/* A side's store, or NULL when it cannot be opened, which was said then. To pki_close(). */
struct pki *cert_open(const struct cert_args *a, enum pki_side side);
/* "penstock cert: <why>", EXIT_CANNOT, or EXIT_FINDINGS for a refusal. */
int cert_failed(const struct pki *p, int err);
/* One object of JSON on a line; side NULL: of no store. */
void cert_item_json(const char *side, const struct pki_item *it);

#endif
