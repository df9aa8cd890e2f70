/* What the files of the architecture's rules share: arch_rules.c has the table; the other files have rows of it. */
#ifndef SITE_ARCH_RULE_H
#define SITE_ARCH_RULE_H

#include "site/arch.h"
#include "site/loader.h"

#define ARCH_OT_MOST	3.0	/* highest level of the OT side */
#define ARCH_IT_LEAST	4.0	/* lowest level beyond the DMZ */
#define ARCH_WHERE	200u

struct rule {
	const char	*id, *clause;
	bool		 dangerous;	/* a warning also where the site only wants advice */
	void		(*look)(struct loader *l, const struct rule *r);
};

/* A finding, unless an exception covers it or only advice is wanted. where: "flow speeds", as exceptions name it. */
void arch_broken(struct loader *l, const struct rule *r, struct place at, const char *where, const char *remedy,
    const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* "zone line-3"; returns out. */
const char *arch_named(char out[ARCH_WHERE], const char *what, const char *name);

static inline bool zone_is_ot(const struct zone *z) { return z->level <= ARCH_OT_MOST; }
static inline bool zone_is_beyond_dmz(const struct zone *z) { return z->level >= ARCH_IT_LEAST; }

/* arch_ways.c */
void conduits_carry_something(struct loader *l, const struct rule *r);
void ports_differ_across_the_dmz(struct loader *l, const struct rule *r);
void attachments_fit_their_zones(struct loader *l, const struct rule *r);
void listeners_have_a_flow(struct loader *l, const struct rule *r);
void one_way_stays_one_way(struct loader *l, const struct rule *r);
/* arch_equipment.c */
void levels_are_not_skipped(struct loader *l, const struct rule *r);
void units_fit_their_centers(struct loader *l, const struct rule *r);
void assets_fill_known_roles(struct loader *l, const struct rule *r);
void one_asset_a_role_at_a_time(struct loader *l, const struct rule *r);
/* arch_flows.c */
void flows_say_what_for(struct loader *l, const struct rule *r);
void outages_are_bridged(struct loader *l, const struct rule *r);
void secrets_are_encrypted(struct loader *l, const struct rule *r);
/* arch_services.c */
void administration_is_apart(struct loader *l, const struct rule *r);
void services_are_said(struct loader *l, const struct rule *r);

#endif
