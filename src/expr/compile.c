/*
 * The builder's own work: appending operations, laying out the state, and at the end copying what was built, exactly as
 * large as it became, into the arena. Layout of a state: struct state_head, then the specs and text places in the order
 * of the program, each 8-aligned.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "expr/inside.h"

static const char *const type_names[EXPR_TYPES] = { "bool", "integer", "float", "text", "time" };
_Static_assert(sizeof type_names / sizeof *type_names == EXPR_TYPES, "one name a type");

const char *
expr_type_name(enum expr_type t)
{
	return type_names[t];
}

void
build_fault(struct build *b, int err, int column, const char *fmt, ...)
{
	va_list ap;

	if (b->err != 0)
		return;
	b->err = err;
	b->e->column = column;
	b->e->remedy[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(b->e->cause, sizeof b->e->cause, fmt, ap);
	va_end(ap);
}

/* Of the fault just raised; a later fault that was not kept must not change it, so it is written once. */
void
build_remedy(struct build *b, const char *fmt, ...)
{
	va_list ap;

	if (b->err == 0 || b->e->remedy[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(b->e->remedy, sizeof b->e->remedy, fmt, ap);
	va_end(ap);
}

static const uint8_t pops[OPS] = {
#define X(name, n) [OP_##name] = n,
	OP_LIST(X)
#undef X
};

void
emit(struct build *b, enum op_code code, uint16_t arg, uint32_t index, const struct part *r)
{
	if (b->err != 0)
		return;
	if (b->nops == EXPR_STEPS_MAX) {
		build_fault(b, ERR_LIMIT, r->column, "more than %u steps", EXPR_STEPS_MAX);
		build_remedy(b, "make derived tags of parts of it");
		return;
	}
	if (code != OP_TO_FLOAT && code != OP_CONVERT) {
		if (b->depth < pops[code])
			build_fault(b, ERR_SYNTAX, r->column, "internal: the stack is empty");
		b->depth = b->depth - pops[code] + 1;
	}
	b->max_depth = b->depth > b->max_depth ? b->depth : b->max_depth;
	if (b->depth > EXPR_STACK_MAX) {
		build_fault(b, ERR_LIMIT, r->column, "more than %u values wait for each other", EXPR_STACK_MAX);
		build_remedy(b, "make derived tags of parts of it");
	}
	b->from[b->nops] = (struct source_of){ r->column, (uint16_t)(r->end > r->column ? r->end - r->column : 0),
	    (uint8_t)r->type, r->ut };
	b->ops[b->nops++] = (struct op){ (uint8_t)code, arg, index };
}

uint32_t
add_const(struct build *b, union konst k)
{
	if (b->err != 0)
		return 0;
	if (b->nconsts == CONSTS_MAX) {
		build_fault(b, ERR_LIMIT, b->tok.column, "more than %u constants", CONSTS_MAX);
		return 0;
	}
	b->consts[b->nconsts] = k;
	return b->nconsts++;
}

void
drop_const(struct build *b, const struct part *p)
{
	if (b->err != 0)
		return;
	if (p->const_op != (int)b->nops - 1) {
		build_fault(b, ERR_SYNTAX, p->column, "a plain number is expected here");
		return;
	}
	b->nops--;
	b->depth--;
}

static size_t
place(struct build *b, size_t size)
{
	size_t off = b->state;

	if (b->err == 0 && size > EXPR_STATE_MAX - b->state) {
		build_fault(b, ERR_LIMIT, b->tok.column, "it would have to remember more than %u bytes",
		    EXPR_STATE_MAX);
		build_remedy(b, "make its windows shorter, or derived tags of parts of it");
		return off;
	}
	b->state += b->err == 0 ? (size + 7) & ~(size_t)7 : 0;
	return off;
}

struct spec *
add_spec(struct build *b, size_t size, const struct part *of, uint32_t *index)
{
	*index = b->nspecs;
	if (b->err != 0)
		return NULL;
	if (b->nspecs == SPECS_MAX) {
		build_fault(b, ERR_LIMIT, of->column, "more than %u windows and states", SPECS_MAX);
		build_remedy(b, "make derived tags of parts of it");
		return NULL;
	}
	size_t off = place(b, size);
	if (b->err != 0)
		return NULL;
	b->specs[b->nspecs] = (struct spec){ .mask = of->mask, .off = (uint32_t)off, .size = (uint32_t)size };
	return &b->specs[b->nspecs++];
}

uint32_t
text_slot(struct build *b)
{
	return (uint32_t)place(b, TEXT_SLOT);
}

static void *
copy(struct arena *a, const void *p, size_t n, size_t size)
{
	if (n == 0)
		return NULL;
	return memcpy(arena_array(a, n, size), p, n * size);
}

/* Everything that decides what the bytes of a state mean and what the program does. */
static uint64_t
hash_of(const struct expr *p, const char *text, size_t len)
{
	uint64_t h = hash64(text, len);

	for (uint32_t i = 0; i < p->ntags; i++) {
		const struct expr_tag *t = &p->tags[i];
		h = hash64_more(h, t->name, strlen(t->name) + 1);
		h = hash64_more(h, t->unit, strlen(t->unit) + 1);
		h = hash64_more(h, &t->type, 1);
		for (uint32_t k = 0; k < t->nitems; k++) {
			h = hash64_more(h, &t->items[k].value, sizeof t->items[k].value);
			h = hash64_more(h, t->items[k].text, strlen(t->items[k].text) + 1);
		}
	}
	for (uint32_t i = 0; i < p->nspecs; i++) {
		uint64_t shape[3] = { p->specs[i].off, p->specs[i].size, p->specs[i].key };
		h = hash64_more(h, shape, sizeof shape);
	}
	h = hash64_more(h, &p->state_size, sizeof p->state_size);
	return hash64_more(h, p->unit, strlen(p->unit));
}

static struct expr *
finish(struct build *b, const struct part *r)
{
	struct expr *p = arena_new(b->a, struct expr);

	p->nops = b->nops;
	p->ops = copy(b->a, b->ops, b->nops, sizeof *b->ops);
	p->from = copy(b->a, b->from, b->nops, sizeof *b->from);
	p->consts = copy(b->a, b->consts, b->nconsts, sizeof *b->consts);
	p->nspecs = b->nspecs;
	p->specs = copy(b->a, b->specs, b->nspecs, sizeof *b->specs);
	p->ntags = b->ntags;
	p->tags = copy(b->a, b->tags, b->ntags, sizeof *b->tags);
	p->depth = b->max_depth;
	p->unit = is_number(r) ? r->ut : "";
	p->zones = b->env->zones;
	p->nzones = b->env->zones != NULL ? b->env->nzones : 0;
	p->state_size = (uint32_t)b->state;
	p->type = r->type;
	p->uses_time = b->uses_time;
	for (uint32_t i = 0; i < b->ntags; i++)
		if (b->tags[i].period_ns > 0 && (p->period_ns == 0 || b->tags[i].period_ns < p->period_ns))
			p->period_ns = b->tags[i].period_ns;
	p->hash = hash_of(p, b->text, b->len);
	return p;
}

/* The result in the unit that was asked for. */
static void
wanted_unit(struct build *b, struct part *r)
{
	struct unit u;
	const char *ut;

	if (b->err != 0 || b->env->unit == NULL)
		return;
	if (!is_number(r)) {
		if (b->env->unit[0] != '\0') {
			build_fault(b, ERR_TYPE, 1, "the result is to be in %s, but it is of type %s", b->env->unit,
			    expr_type_name(r->type));
			build_remedy(b, "leave the unit away");
		}
		return;
	}
	if (!read_unit(b, b->env->unit, strlen(b->env->unit), 1, &u, &ut))
		return;
	if (r->bare) {
		r->unit = u;
		r->ut = ut;
	}
	convert_to(b, r, &u, ut, 0, "the result is to be");
}

int
expr_compile(const char *text, size_t len, const struct expr_env *env, struct arena *a, struct expr **out,
    struct expr_error *e)
{
	struct build b;

	memset(&b, 0, offsetof(struct build, ops));
	b.nops = b.nconsts = b.nspecs = b.ntags = 0;
	b.uses_time = false;
	b.env = env;
	b.a = a;
	b.e = e;
	b.state = sizeof(struct state_head);
	*e = (struct expr_error){ .column = 1 };
	*out = NULL;
	if (len > EXPR_TEXT_MAX) {
		build_fault(&b, ERR_LIMIT, 1, "an expression of %zu bytes, %u are allowed", len, EXPR_TEXT_MAX);
		build_remedy(&b, "make derived tags of parts of it");
		return b.err;
	}
	b.text = arena_strndup(a, text, len);	/* texts and units of the program point into it */
	b.len = len;
	lex_next(&b);
	struct part r = parse_expr(&b);
	if (b.err == 0 && b.tok.kind != TOK_END) {
		build_fault(&b, ERR_SYNTAX, b.tok.column, "the expression is complete before this");
		build_remedy(&b, b.tok.kind == TOK_NAME ?
		    "an operator is missing; a unit stands directly behind its number (5bar) or in brackets (5 [bar])" :
		    "an operator is missing, or a ) too many");
	}
	wanted_unit(&b, &r);
	if (b.err != 0)
		return b.err;
	*out = finish(&b, &r);
	return 0;
}
