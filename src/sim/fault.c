/* See fault.h. */
#include "sim/fault.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/near.h"
#include "sim/text.h"

static const struct { const char *word; uint32_t def, most; const char *help; } kinds[SIM_FAULT_KINDS] = {
	[SIM_FAULT_NONE] = { "none", 0, 0, "works as it should" },
#define X(kind, word, def, most, text) [SIM_FAULT_##kind] = { word, def, most, text },
	SIM_FAULT_LIST(X)
#undef X
};

const char *
sim_fault_word(enum sim_fault_kind k)
{
	return (unsigned)k < SIM_FAULT_KINDS ? kinds[k].word : "unknown";
}

const char *
sim_fault_help(enum sim_fault_kind k)
{
	return (unsigned)k < SIM_FAULT_KINDS ? kinds[k].help : "";
}

const char *
sim_fault_nearest(const char *word)
{
	struct near n = { .word = word };
	for (int k = 1; k < SIM_FAULT_KINDS; k++)
		near_try(&n, kinds[k].word);
	return n.best;
}

int
sim_fault_parse(const char *s, size_t len, struct sim_fault *out)
{
	const char *eq = memchr(s, '=', len);
	size_t word = eq ? (size_t)(eq - s) : len;
	uint64_t arg;

	for (int k = 1; k < SIM_FAULT_KINDS; k++) {
		if (strlen(kinds[k].word) != word || memcmp(kinds[k].word, s, word) != 0)
			continue;
		arg = kinds[k].def;
		if (eq != NULL) {
			int e = sim_parse_ms(eq + 1, len - word - 1, 1, &arg);
			if (e != 0)
				return e;
			if (arg < 1 || arg > kinds[k].most)
				return ERR_RANGE;
		}
		*out = (struct sim_fault){ .kind = (enum sim_fault_kind)k, .arg = (uint32_t)arg, .percent = 100,
		    .until_ms = UINT64_MAX };
		return 0;
	}
	return ERR_NOTFOUND;
}

/* The parts after the kind, each led by its sign: "@10s", "+5s", "%20". */
static int
plan_part(struct sim_fault_plan *p, const char *s, size_t len)
{
	uint64_t v;
	int e = sim_parse_ms(s + 1, len - 1, s[0] == '%' ? 1 : 1000, &v);

	if (e != 0)
		return e;
	switch (s[0]) {
	case '@': p->at_ms = v; return 0;
	case '+': p->fault.until_ms = v; return 0;
	default:
		if (v < 1 || v > 100)
			return ERR_RANGE;
		p->fault.percent = (uint8_t)v;
		return 0;
	}
}

int
sim_fault_plan_parse(const char *s, struct sim_fault_plan *out)
{
	size_t name = strcspn(s, ":"), len;

	if (s[name] == '\0' || name == 0 || name >= sizeof out->target)
		return ERR_SYNTAX;
	*out = (struct sim_fault_plan){ 0 };
	memcpy(out->target, s, name);
	s += name + 1;
	len = strcspn(s, "@+%");
	int e = sim_fault_parse(s, len, &out->fault);
	for (s += len; e == 0 && *s != '\0'; s += len) {	/* each round takes at least the sign */
		len = 1 + strcspn(s + 1, "@+%");
		e = plan_part(out, s, len);
	}
	return e;
}

bool
sim_fault_hits(const struct sim_fault *f, uint64_t now_ms, struct sim_rng *dice)
{
	if (f->kind == SIM_FAULT_NONE || now_ms >= f->until_ms)
		return false;
	return f->percent >= 100 || sim_rng_unit(dice) * 100 < f->percent;
}
