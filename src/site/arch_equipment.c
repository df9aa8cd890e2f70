/* The rules of equipment (H) and of the assets that fill its roles (A), after IEC 62264. */
#include <string.h>

#include "site/arch_rule.h"

static int
depth_of(const char *path)
{
	int n = 1;

	for (; *path != '\0'; path++)
		n += *path == '/';
	return n;
}

void
levels_are_not_skipped(struct loader *l, const struct rule *r)
{
	const struct arch *a = l->plan->arch;
	char where[ARCH_WHERE];

	for (uint32_t i = 0; i < a->nequipment; i++) {
		const struct arch_equipment *e = &a->equipment[i];
		if (e->kind != EQUIPMENT_UNSAID && depth_of(e->path) != equipment_depth(e->kind))
			arch_broken(l, r, e->place, arch_named(where, "equipment", e->path),
			    "insert the missing name, or correct the kind: area/work center/work unit/equipment module/control module",
			    "a %s stands %d below the site, and here are %d names", equipment_kinds[e->kind], equipment_depth(e->kind), depth_of(e->path));
	}
}

/* What may stand below which kind of work centre (IEC 62264-1, table of work centres and units). */
static bool
fits(enum equipment_kind center, enum equipment_kind unit)
{
	static const enum equipment_kind pairs[][2] = {
		{ EQUIPMENT_LINE, EQUIPMENT_WORK_CELL }, { EQUIPMENT_PROCESS_CELL, EQUIPMENT_UNIT },
		{ EQUIPMENT_PRODUCTION_UNIT, EQUIPMENT_UNIT },
		{ EQUIPMENT_STORAGE_ZONE, EQUIPMENT_STORAGE_UNIT },
	};

	if (equipment_depth(center) != 2 || equipment_depth(unit) != 3 || center == EQUIPMENT_WORK_CENTER ||
	    unit == EQUIPMENT_WORK_UNIT)
		return true;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		if (pairs[i][0] == center && pairs[i][1] == unit)
			return true;
	return false;
}

void
units_fit_their_centers(struct loader *l, const struct rule *r)
{
	const struct arch *a = l->plan->arch;
	struct map centers = { 0 };
	char where[ARCH_WHERE];

	for (uint32_t i = 0; i < a->nequipment; i++)
		if (equipment_depth(a->equipment[i].kind) == 2)
			map_put(&centers, a->equipment[i].path, strlen(a->equipment[i].path), &a->equipment[i]);
	for (uint32_t i = 0; i < a->nequipment; i++) {
		const struct arch_equipment *unit = &a->equipment[i];
		const char *slash = strrchr(unit->path, '/');
		const struct arch_equipment *center = equipment_depth(unit->kind) == 3 && slash != NULL ?
		    map_get(&centers, unit->path, (size_t)(slash - unit->path)) : NULL;
		if (center != NULL && !fits(center->kind, unit->kind))
			arch_broken(l, r, unit->place, arch_named(where, "equipment", unit->path), "correct one of the two kinds",
			    "a %s does not stand in a %s", equipment_kinds[unit->kind], equipment_kinds[center->kind]);
	}
	map_fini(&centers);
}

static bool
is_equipment(const struct plan *p, const char *path)
{
	size_t len = strlen(path);

	for (uint32_t i = 0; i < p->arch->nequipment; i++)
		if (strncmp(p->arch->equipment[i].path, path, len) == 0 && (p->arch->equipment[i].path[len] == '\0' ||
		    p->arch->equipment[i].path[len] == '/'))
			return true;
	return false;
}

void
assets_fill_known_roles(struct loader *l, const struct rule *r)
{
	const struct arch *a = l->plan->arch;
	char where[ARCH_WHERE];

	for (uint32_t i = 0; i < a->nassets; i++)
		for (uint32_t k = 0; k < a->assets[i].nroles; k++)
			if (!is_equipment(l->plan, a->assets[i].roles[k].equipment))
				arch_broken(l, r, a->assets[i].place, arch_named(where, "asset", a->assets[i].name),
				    "correct the path, or add the equipment", "there is no equipment \"%s\"", a->assets[i].roles[k].equipment);
}

void
one_asset_a_role_at_a_time(struct loader *l, const struct rule *r)
{
	const struct arch *a = l->plan->arch;
	char where[ARCH_WHERE];

	for (uint32_t i = 0; i < a->nassets; i++)
		for (uint32_t k = 0; k < a->assets[i].nroles; k++)
			for (uint32_t j = 0; j <= i; j++)
				for (uint32_t m = 0; m < (j == i ? k : a->assets[j].nroles); m++) {
					const struct asset_role *x = &a->assets[i].roles[k], *y = &a->assets[j].roles[m];
					bool same_time = x->from_s < y->to_s && y->from_s < x->to_s;
					bool clash = strcmp(x->equipment, y->equipment) == 0 || i == j;
					if (same_time && clash)
						arch_broken(l, r, a->assets[i].place, arch_named(where, "asset", a->assets[i].name),
						    "end the one role on the day before the other begins", i == j ? "it is in \"%s\" and in another place "
						    "at the same time (see also asset %s)" : "it is in \"%s\" while asset %s is", x->equipment,
						    a->assets[j].name);
				}
}
