/*
 * Collecting findings while a site is read. A finding is made in two steps, cause then remedy, so that each reads as a
 * sentence at the place that notices:
 *
 *	site_error(f, "no-zone", place, "source %s names zone \"%s\", which does not exist", ...);
 *	site_remedy(f, "name one of the zones above, or add the zone");
 *
 * One rule at one place is one finding: a fault in a type that a thousand machines use is said once and counted.
 */
#ifndef SITE_FINDING_H
#define SITE_FINDING_H

#include "base/err.h"
#include "base/map.h"
#include "site/site.h"

#define FINDING_TEXT_MAX 1024u	/* bytes of a cause or a remedy */

struct findings {
	struct site_report	*report;	/* borrowed; filled */
	struct map		 seen;		/* hash of place and rule -> struct finding_more */
	struct finding_more	*last;		/* the one that site_remedy() speaks of; NULL: left out */
	size_t			 cap;
};

void findings_init(struct findings *f, struct site_report *report);
/* Go on with a report that was finished, for what is found later. */
void findings_resume(struct findings *f, struct site_report *report);
/* Sort, write counts of repeats into the causes, release what only collecting needed. The report stays. */
void findings_finish(struct findings *f);

void site_error(struct findings *f, const char *rule, struct place at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void site_warning(struct findings *f, const char *rule, struct place at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void site_remedy(struct findings *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
