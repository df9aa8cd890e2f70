/* Our store for an enrolment, and what is said and written of it: for node_invite.c and node_join.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/ctl.h"
#include "cli/node.h"
#include "os/clock.h"
#include "os/who.h"

/* With a certificate that has ended nobody lets us in. Nobody believes it any more either, so a new one costs nothing. */
static int
make_anew(const struct node_args *a, struct pki *p, struct pki_own *own)
{
	struct wall now = wall_now();
	char when[WALL_TEXT];

	if (own->not_after.ns > now.ns)
		return 0;
	fprintf(stderr, "our certificate had ended at %s; making a new one\n", wall_format(own->not_after, 0, when));
	int err = pki_renew_stage(p, 0, now);
	if (err == ERR_EXISTS)
		err = 0;	/* one waits already */
	if (err == 0)
		err = pki_renew_activate(p);
	if (err != 0)
		return err;
	pki_own_fini(own);
	return pki_node_own(p, a->name, a->site, now, own);
}

struct pki *
node_store(const struct node_args *a, struct pki_own *own)
{
	const char *state = a->pki_state[0] != '\0' ? a->pki_state : a->state;
	struct pki *p = NULL;

	*own = (struct pki_own){ 0 };
	int err = who_become_owner(state);
	if (err != 0) {
		fprintf(stderr, "penstock node: the state directory %s: %s; name it with --state DIR or PENSTOCK_STATE\n", state, err_text(err));
		return NULL;
	}
	err = pki_open(state, a->side, NULL, &p);
	if (err == 0) {
		pki_set_actor(p, a->actor);
		err = pki_node_own(p, a->name, a->site, wall_now(), own);
	}
	if (err == 0)
		err = make_anew(a, p, own);
	if (err != 0)
		fprintf(stderr, "penstock node: %s\n", p != NULL ? pki_why(p) : err_text(err));
	else if (!pki_is_named(own->cert, own->cert_len, a->name)) {
		fprintf(stderr, "penstock node: our certificate %s/own/cert.der does not have the name \"%s\", so the other node would refuse it. Move "
		    "cert.der and key.pem away and try again: a new one is made then, and who trusts the present one has to trust that one\n",
		    pki_dir(p), a->name);
		err = ERR_TYPE;
	}
	if (err == 0)
		return p;
	pki_own_fini(own);
	pki_close(p);
	return NULL;
}

static int
say_namesake(void *arg, const struct pki_item *it)
{
	const struct node_args *a = arg;

	printf("Still trusted under the name %s: [%s]. If that is a machine that is gone: penstock cert reject %.8s --side %s\n", a->peer, it->sha1,
	    it->sha1, pki_side_name(a->side));
	return 0;
}

void
node_say_namesakes(const struct node_args *a, struct pki *p, const struct enrol *e)
{
	size_t len;
	const uint8_t *der = enrol_cert(e, &len);
	union { const void *in; void *out; } arg = { .in = a };

	if (der != NULL)
		pki_each_namesake(p, a->peer, der, len, wall_now(), say_namesake, arg.out);
}

static bool
noted(void *arg, char *text, size_t len)
{
	(void)len;
	*(bool *)arg = strstr(text, "\"error\"") == NULL;
	return true;
}

void
node_remark(const struct node_args *a, struct pki *p, const char *what, const uint8_t *der, size_t len, const char *detail)
{
	char path[4200], sha256[PKI_SHA256_TEXT] = "";
	const char *argv[] = { what, a->peer, sha256, detail };
	uint8_t hash[PKI_SHA256];
	bool ok = false;

	pki_remark(p, what, der, len, detail, wall_now());
	if (len > 0 && pki_sha256(der, len, hash) == 0)
		for (size_t i = 0; i < sizeof hash; i++)
			snprintf(sha256 + 2 * i, 3, "%02X", hash[i]);
	snprintf(path, sizeof path, "%s/control.sock", a->state);
	if (access(path, F_OK) != 0)
		return;		/* nothing runs: changes.log has it */
	int fd = ctl_request(a->state, "node", 4, argv);
	if (fd >= 0) {
		ctl_lines(fd, noted, &ok);
		ctl_close(fd);
	}
	if (!ok)
		fprintf(stderr, "penstock node: the audit log did not take this (\"%s\"); %s/changes.log has it\n",
		    what, pki_dir(p));
}
