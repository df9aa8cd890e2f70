/* What the files of `penstock node` share. */
#ifndef CLI_NODE_H
#define CLI_NODE_H

#include "enrol/enrol.h"
#include "site/link.h"

struct node_args {
	const char	*state;
	char		 actor[64];		/* who gives the command */
	const char	*name, *peer;		/* ours; the other node's */
	const char	*place;			/* address: to listen on, or to go to; NULL: as the site file has it */
	const char	*site_file, *secret_file;
	bool		 has_side;
	enum pki_side	 side;
	int64_t		 valid_ns;
	/* as the site file has it, where arguments say nothing */
	char		 own_name[256], peer_name[256], host[256], site[200], pki_state[4096];
	struct endpoint	 at;			/* place, taken apart */
};

/* The verbs: exit status. */
int node_invite(struct node_args *a);
int node_join(struct node_args *a);

/*
 * What the arguments leave open, taken from the site file that is named or the plan that the state directory keeps.
 * role: who we are to be. False: something is still missing, and was said.
 */
bool node_fill(struct node_args *a, enum enrol_role role);
/*
 * Our store and certificate, made or made anew where it has ended. NULL: could not be, and was said. To pki_close() and
 * pki_own_fini().
 */
struct pki *node_store(const struct node_args *a, struct pki_own *own);
/* Certificates of that name that are believed as well: said, since one of a machine that is gone should not be. */
void node_say_namesakes(const struct node_args *a, struct pki *p, const struct enrol *e);
/*
 * What happened, into changes.log, and into the audit log of what runs with this state directory, if something does.
 * what: "invited", "joined", ...; der of the certificate it is about, len 0: none.
 */
void node_remark(const struct node_args *a, struct pki *p, const char *what, const uint8_t *der, size_t len, const char *detail);

#endif
