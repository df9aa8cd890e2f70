/* penstock cert new, trust, reject, renew, import: each says what is now so, and what a person has to do next. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cli/cert.h"
#include "cli/cli.h"
#include "os/clock.h"
#include "proc/supervisor.h"

static const char *
side_of(const struct cert_args *a)
{
	return pki_side_name(a->side);
}

/* The ApplicationURI: as given, or made of host and site; the site as given, or that of the plan that the state directory keeps. */
static int
fill_spec(struct cert_args *a, char uri[PKI_URI_MAX], char site[200])
{
	struct plan *plan = NULL;

	if (a->host == NULL)
		a->host = pki_host();
	if (a->ndns == 0)
		a->spec.dns[0] = a->host;
	a->spec.days = a->days;
	if (a->spec.uri != NULL)
		return 0;
	if (a->site == NULL && plans_load(a->state, false, &plan) == 0 && plan->site != NULL) {
		snprintf(site, 200, "%s", plan->site);
		a->site = site;
	}
	plan_free(plan);
	if (a->site == NULL) {
		fprintf(stderr, "penstock cert new: no site runs with %s yet, so say its name for the ApplicationURI: --site NAME (or the whole "
		    "of it: --uri URI)\n", a->state);
		return ERR_NOTFOUND;
	}
	if (pki_uri(a->host, a->site, a->side, uri) != 0) {
		fprintf(stderr, "penstock cert new: host and site make an ApplicationURI of more than %u characters; give a shorter one: --uri URI\n",
		    PKI_URI_MAX - 1);
		return ERR_LIMIT;
	}
	a->spec.uri = uri;
	return 0;
}

int
cert_new(struct cert_args *a, struct pki *p)
{
	char uri[PKI_URI_MAX], site[200];
	bool renewal = pki_own_generation(p) != 0;

	/* A request repeats the present certificate, whatever else is said. */
	if (!(a->csr && renewal) && fill_spec(a, uri, site) != 0)
		return EXIT_CANNOT;
	int err = a->csr ? pki_own_request(p, &a->spec) : pki_own_make(p, &a->spec, wall_now());
	if (err != 0)
		return cert_failed(p, err);
	if (a->csr) {
		printf("request for the CA: %s/own/next.csr.pem\nwhen it is signed (with its extensions): penstock cert import FILE --side %s\n",
		    pki_dir(p), side_of(a));
		return EXIT_OK;
	}
	a->has_side = true;
	a->n = 0;
	int status = cert_show(a);
	if (!a->json)
		printf("peers must trust it: give them %s/own/cert.der\n", pki_dir(p));
	return status;
}

static void
say_trusted(const struct cert_args *a, const struct pki_item *it)
{
	if (a->json)
		cert_item_json(side_of(a), it);
	else if (it->ca)
		printf("trusted, and with it all that this CA signs: %s [%s]\nit needs the CA's revocation list: penstock cert import FILE.crl --side %s\n",
		    it->subject, it->sha1, side_of(a));
	else
		printf("trusted: %s [%s]%s\n", it->subject, it->sha1,
		    it->days_left < 0 ? " (it has ENDED: it is refused all the same)" :
		    it->self_signed ? "" : "\na CA signed it: that CA's revocation list is needed too, penstock cert import FILE.crl");
}

static int
say_imported_trusted(void *arg, const struct pki_item *it)
{
	if (it->der != NULL)
		say_trusted(arg, it);
	return 0;
}

static int
import_one(struct cert_args *a, struct pki *p, int i, enum pki_as as)
{
	struct pki_imported got;

	int err = pki_import(p, buf_text(&a->file[i]), a->file[i].len, as, wall_now(), &got);
	if (err != 0) {
		fprintf(stderr, "penstock cert: %s: ", a->arg[i]);
		return cert_failed(p, err);
	}
	if (as == PKI_AS_TRUSTED)
		pki_each_in(buf_text(&a->file[i]), a->file[i].len, wall_now(), say_imported_trusted, a);
	else if (got.certs > 0)
		printf("%u certificates know their place in chains now; none of them is trusted by that\n", got.certs);
	if (got.crls > 0)
		printf("%u revocation lists are in force\n", got.crls);
	if (got.own)
		printf("the CA's certificate for us is %s\n",
		    got.staged ? "staged; when peers know it: penstock cert renew --activate" : "in force");
	return EXIT_OK;
}

int
cert_trust(struct cert_args *a, struct pki *p)
{
	int worst = EXIT_OK;

	for (int i = 0; i < a->n; i++) {
		struct pki_print print;
		struct pki_item it;
		int status = EXIT_OK, err;
		if (a->is_file[i])
			status = import_one(a, p, i, PKI_AS_TRUSTED);
		else if (pki_print_parse(a->arg[i], &print) != 0) {
			fprintf(stderr, "penstock cert trust: '%s' is neither a file nor a thumbprint (8 hexadecimal digits at least)\n", a->arg[i]);
			status = EXIT_CANNOT;
		} else if ((err = pki_trust(p, &print, wall_now(), &it)) != 0)
			status = cert_failed(p, err);
		else
			say_trusted(a, &it);
		worst = status > worst ? status : worst;
	}
	return worst;
}

int
cert_reject(struct cert_args *a, struct pki *p)
{
	int worst = EXIT_OK;

	for (int i = 0; i < a->n; i++) {
		struct pki_print print;
		struct pki_item it;
		int status = EXIT_OK, err;
		if (pki_print_parse(a->arg[i], &print) != 0) {
			fprintf(stderr, "penstock cert reject: '%s' is no thumbprint (8 hexadecimal digits at least)\n", a->arg[i]);
			status = EXIT_CANNOT;
		} else if ((err = pki_reject(p, &print, wall_now(), &it)) != 0)
			status = cert_failed(p, err);
		else if (a->json)
			cert_item_json(side_of(a), &it);
		else
			printf("no longer trusted: %s [%s]\nits present connections last until they end; stop them now with a restart\n", it.subject,
			    it.sha1);
		worst = status > worst ? status : worst;
	}
	return worst;
}

int
cert_import(struct cert_args *a, struct pki *p)
{
	int worst = EXIT_OK;

	for (int i = 0; i < a->n; i++) {
		if (!a->is_file[i]) {
			fprintf(stderr, "penstock cert import: there is no file %s\n", a->arg[i]);
			worst = EXIT_CANNOT;
			continue;
		}
		int status = import_one(a, p, i, PKI_AS_ISSUER);
		worst = status > worst ? status : worst;
	}
	return worst;
}

static int
renew_auto(struct cert_args *a, struct pki *p)
{
	static const char *const did_text[] = {
		[PKI_DUE_NOTHING] = "nothing is due", [PKI_DUE_STAGE] = "staged the next certificate",
		[PKI_DUE_ACTIVATE] = "activated the next certificate", [PKI_DUE_PERSON] = "the CA must sign own/next.csr.pem",
	};
	enum pki_due did;

	int err = pki_renew_auto(p, a->before_days, a->overlap_days, wall_now(), &did);
	if (err != 0)
		return cert_failed(p, err);
	printf("%s\n", did_text[did]);
	return did == PKI_DUE_PERSON ? EXIT_FINDINGS : EXIT_OK;
}

int
cert_renew(struct cert_args *a, struct pki *p)
{
	int err;

	if (a->stage + a->activate + a->back + a->cancel + a->automatic != 1) {
		fprintf(stderr, "penstock cert renew: say one of --stage, --activate, --back, --cancel, --auto\n");
		return EXIT_CANNOT;
	}
	if (a->automatic)
		return renew_auto(a, p);
	err = a->stage ? pki_renew_stage(p, a->days, wall_now()) : a->activate ? pki_renew_activate(p) :
	    a->back ? pki_renew_back(p, wall_now()) : pki_renew_cancel(p);
	if (err != 0)
		return cert_failed(p, err);
	if (a->stage)
		printf("staged: %s/own/next.cert.der\ngive it to the peers that trust by thumbprint; when they do: penstock cert renew --activate "
		    "--side %s\n", pki_dir(p), side_of(a));
	else if (a->activate)
		printf("in force from the next connect on: %s/own/cert.der\nif a peer refuses it: penstock cert renew --back --side %s\n", pki_dir(p),
		    side_of(a));
	else
		printf(a->back ? "the previous certificate is in force again; the newer one waits as next\n" :
		    "given up; nothing is staged\n");
	return EXIT_OK;
}
