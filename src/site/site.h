/*
 * The site file: from text to plan. `site_load` reads the YAML file and the CSV tables it names, finds everything
 * that is wrong in one run, and gives a plan only when no finding is an error.
 */
#ifndef SITE_SITE_H
#define SITE_SITE_H

#include "base/buf.h"
#include "site/catalog.h"

#define SITE_FILE_MAX		(64u << 20)	/* bytes of one file */
#define SITE_FINDINGS_MAX	1000u		/* further ones are counted, not kept */

enum severity { FINDING_ERROR, FINDING_WARNING };

struct finding {
	enum severity	 severity;
	const char	*rule;		/* stable id, "unknown-key", "at-syntax", "overlap", ... : what people grep for */
	struct place	 place;
	const char	*cause;		/* what is wrong, with the value that is wrong */
	const char	*remedy;	/* what to do */
};

struct site_report {
	struct arena	 arena;		/* owns the texts */
	struct finding	*findings;	/* sorted by file, line, column */
	size_t		 n, errors, warnings, left_out;
};

/*
 * Load and check. report is filled in any case (site_report_free() it). On success *out is given (plan_free).
 * Returns 0; ERR_SYNTAX when there are findings of severity error; ERR_NOTFOUND, ERR_IO and such when the file
 * itself cannot be read (report then holds one finding that says why).
 */
int site_load(const char *path, const struct catalog *catalog, struct plan **out, struct site_report *report);
void site_report_free(struct site_report *r);
/* Text for people ("file:line:column: error: cause\n    remedy [rule]") or JSON (an array of objects). */
void site_report_print(const struct site_report *r, bool json, struct buf *out);

/* The files a loaded site consists of (the YAML first), for copying it as a whole; NULL-ended, in the plan's arena. */
const char *const *site_files(const struct plan *p);

#endif
