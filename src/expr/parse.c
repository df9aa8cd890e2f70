/*
 * The grammar, by recursive descent; depth is limited by EXPR_DEPTH_MAX, which every descent counts. From loose to
 * tight:
 *
 *	expr	:= choice ('else' choice)*
 *	choice	:= or ['?' choice ':' choice]
 *	or	:= and (('or' | 'xor') and)*
 *	and	:= not ('and' not)*
 *	not	:= 'not' not | compare
 *	compare	:= sum [('=' | '==' | '<>' | '!=' | '<' | '<=' | '>' | '>=') sum]
 *	sum	:= term (('+' | '-') term)*
 *	term	:= sign (('*' | '/') sign)*
 *	sign	:= '-' sign | power
 *	power	:= bit ['^' sign]
 *	bit	:= primary ('.' digits)*
 *	primary	:= number [unit] | text | 'true' | 'false' | name | 'path' | name '(' arguments ')' | '(' expr ')'
 */
#include <ctype.h>
#include <string.h>

#include "expr/inside.h"

static const char *const words[] = { "and", "or", "xor", "not", "else", "over", "true", "false" };

static bool
enter(struct build *b)
{
	if (b->err != 0)
		return false;
	if (++b->nest > EXPR_DEPTH_MAX * 2) {
		build_fault(b, ERR_LIMIT, b->tok.column, "more than %u parentheses, calls or signs within each other",
		    EXPR_DEPTH_MAX);
		build_remedy(b, "make a derived tag of a part of it");
		return false;
	}
	return true;
}

static struct part
nothing(const struct build *b)
{
	return (struct part){ .type = EXPR_INT, .unit = unit_one, .ut = "", .const_op = -1, .input = -1, .items = -1,
	    .column = b->tok.column, .end = b->tok.end };
}

static struct part
constant(struct build *b, enum expr_type type, union konst k)
{
	struct part r = nothing(b);

	r.type = type;
	r.const_op = (int)b->nops;
	emit(b, OP_CONST, (uint16_t)type, add_const(b, k), &r);
	return r;
}

/* A unit directly behind the digits (5bar, 5%), or in brackets. */
static void
unit_behind(struct build *b, struct part *r)
{
	size_t s = b->pos;
	int column = (int)s + 1;
	unsigned char c = s < b->len ? (unsigned char)b->text[s] : 0;

	if (isalpha(c) || c == '%' || c >= 0x80) {
		while (b->pos < b->len && (isalpha((unsigned char)b->text[b->pos]) || b->text[b->pos] == '%' ||
		    (unsigned char)b->text[b->pos] >= 0x80))
			b->pos++;
		if (read_unit(b, b->text + s, b->pos - s, column, &r->unit, &r->ut))
			r->bare = false;
		lex_next(b);
		r->end = (uint16_t)(b->pos + 1);
		return;
	}
	lex_next(b);
	if (b->tok.kind == TOK_UNIT) {
		if (read_unit(b, b->tok.p, b->tok.len, b->tok.column + 1, &r->unit, &r->ut))
			r->bare = false;
		r->end = b->tok.end;
		lex_next(b);
	}
}

static struct part
parse_number(struct build *b)
{
	struct token t = b->tok;
	struct part r = constant(b, t.integer ? EXPR_INT : EXPR_FLOAT,
	    t.integer ? (union konst){ .i = t.i } : (union konst){ .f = t.f });

	r.bare = true;
	unit_behind(b, &r);
	if (b->err == 0 && !r.bare) {
		b->from[r.const_op].len = (uint16_t)(r.end - r.column);
		b->from[r.const_op].unit = r.ut;
	}
	return r;
}

static struct part
parse_text(struct build *b)
{
	if (b->tok.len > EXPR_VALUES_MAX) {
		build_fault(b, ERR_LIMIT, b->tok.column, "a text of %zu bytes, %u are allowed", b->tok.len,
		    EXPR_VALUES_MAX);
		return nothing(b);
	}
	struct part r = constant(b, EXPR_TEXT, (union konst){ .p = b->tok.p });
	add_const(b, (union konst){ .i = (int64_t)b->tok.len });
	lex_next(b);
	return r;
}

/* Which input a tag is: one that is there already, by its id, or a new one. */
static int
find_input(struct build *b, const struct expr_tag *t)
{
	for (uint32_t i = 0; i < b->ntags; i++)
		if (b->tags[i].id == t->id)
			return (int)i;
	if (b->ntags == EXPR_INPUTS_MAX) {
		build_fault(b, ERR_LIMIT, b->tok.column, "more than %u tags", EXPR_INPUTS_MAX);
		build_remedy(b, "make derived tags of parts of it");
		return -1;
	}
	b->tags[b->ntags] = *t;
	return (int)b->ntags++;
}

static bool
tag_type(uint8_t value_type, enum expr_type *out)
{
	switch (value_type) {
	case VALUE_BOOL: *out = EXPR_BOOL; return true;
	case VALUE_F32: case VALUE_F64: *out = EXPR_FLOAT; return true;
	case VALUE_TEXT: *out = EXPR_TEXT; return true;
	case VALUE_TIME: *out = EXPR_TIME; return true;
	case VALUE_NULL: return false;
	default: *out = EXPR_INT; return value_is_number(value_type);
	}
}

/* A tag by its name or path. */
static struct part
parse_tag(struct build *b)
{
	struct part r = nothing(b);
	struct expr_tag t = { 0 };
	char why[250] = "";
	int err = b->env->resolve(b->env->arg, b->tok.p, b->tok.len, &t, why, sizeof why);

	if (err != 0) {
		build_fault(b, err, b->tok.column, "%s", why[0] != '\0' ? why : "there is no tag of this name");
		build_remedy(b, "write the name of a tag of this equipment, or a path in 'single quotes'");
		return r;
	}
	if (!tag_type(t.type, &r.type)) {
		build_fault(b, ERR_TYPE, b->tok.column, "%s is %s%s, which expressions cannot use", t.name,
		    (t.type & VALUE_ARRAY) != 0 ? "an array of " : "", value_type_name(t.type));
		build_remedy(b, "give the elements that are needed tags of their own");
		return r;
	}
	if ((r.input = find_input(b, &t)) < 0)
		return r;
	if (is_number(&r) && t.unit[0] != '\0')
		read_unit(b, t.unit, strlen(t.unit), b->tok.column, &r.unit, &r.ut);
	r.mask = 1ull << r.input;
	r.items = t.nitems > 0 ? r.input : -1;
	emit(b, OP_LOAD, (uint16_t)r.input, 0, &r);
	lex_next(b);
	return r;
}

static struct part
parse_name(struct build *b)
{
	struct token t = b->tok;

	if (tok_is(b, "true") || tok_is(b, "false")) {
		struct part r = constant(b, EXPR_BOOL, (union konst){ .i = t.len == 4 });
		lex_next(b);
		return r;
	}
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (tok_is(b, words[i])) {
			build_fault(b, ERR_SYNTAX, t.column, "\"%s\" stands where a value is expected", words[i]);
			build_remedy(b, "a tag of this name is written '%s'", words[i]);
			return nothing(b);
		}
	size_t p = b->pos;
	while (p < b->len && (b->text[p] == ' ' || b->text[p] == '\t'))
		p++;
	if (p < b->len && b->text[p] == '(') {
		lex_next(b);
		return parse_call(b, t.p, t.len, t.column);
	}
	return parse_tag(b);
}

static void
no_value(struct build *b)
{
	if (b->tok.kind == TOK_END)
		build_fault(b, ERR_SYNTAX, b->tok.column, b->nops == 0 ? "the expression is empty" :
		    "the expression ends where a value is expected");
	else
		build_fault(b, ERR_SYNTAX, b->tok.column, "a value is expected here");
	build_remedy(b, "write a tag, a number, a \"text\", or a function");
}

static struct part
parse_primary(struct build *b)
{
	struct part r = nothing(b);

	switch (b->tok.kind) {
	case TOK_NUMBER: return parse_number(b);
	case TOK_TEXT:	 return parse_text(b);
	case TOK_QUOTED: return parse_tag(b);
	case TOK_NAME:	 return parse_name(b);
	default: break;
	}
	if (!tok_is(b, "(")) {
		no_value(b);
		return r;
	}
	uint16_t column = b->tok.column;
	lex_next(b);
	r = parse_expr(b);
	if (b->err == 0 && !tok_is(b, ")")) {
		build_fault(b, ERR_SYNTAX, b->tok.column, "the parenthesis of column %u is not closed here", column);
		build_remedy(b, "write ) or an operator");
	}
	r.column = column;
	r.end = b->tok.end;
	lex_next(b);
	return r;
}

static struct part
parse_bit(struct build *b)
{
	struct part x = parse_primary(b);

	while (b->tok.kind == TOK_BIT && b->err == 0) {
		need_type(b, &x, EXPR_INT, "a bit is taken of");
		if (b->tok.i > 63)
			build_fault(b, ERR_RANGE, b->tok.column, "bits are numbered 0 to 63");
		struct part r = nothing(b);
		r.type = EXPR_BOOL;
		r.mask = x.mask;
		r.column = x.column;
		emit(b, OP_BIT, (uint16_t)b->tok.i, 0, &r);
		lex_next(b);
		x = r;
	}
	return x;
}

static struct part parse_sign(struct build *b);

static struct part
parse_power(struct build *b)
{
	struct part x = parse_bit(b);

	if (!tok_is(b, "^") || b->err != 0)
		return x;
	lex_next(b);
	return op_binary(b, "^", x, parse_sign(b));
}

static struct part
parse_sign(struct build *b)
{
	struct part r = nothing(b);

	if (!enter(b))
		return r;
	if (tok_is(b, "-")) {
		uint16_t column = b->tok.column;
		lex_next(b);
		r = parse_sign(b);
		r.column = column;
		r = op_negate(b, r);
	} else
		r = parse_power(b);
	b->nest--;
	return r;
}

/* One level of operators that stand left to right. */
static struct part
parse_chain(struct build *b, struct part (*tighter)(struct build *), const char *const *ops, size_t n)
{
	struct part l = tighter(b);

	for (size_t i = 0; i < n && b->err == 0; ) {
		if (!tok_is(b, ops[i])) {
			i++;
			continue;
		}
		lex_next(b);
		l = op_binary(b, ops[i], l, tighter(b));
		i = 0;
	}
	return l;
}

static struct part
parse_term(struct build *b)
{
	static const char *const ops[] = { "*", "/" };
	return parse_chain(b, parse_sign, ops, 2);
}

static struct part
parse_sum(struct build *b)
{
	static const char *const ops[] = { "+", "-" };
	return parse_chain(b, parse_term, ops, 2);
}

static struct part
parse_compare(struct build *b)
{
	static const char *const ops[] = { "=", "==", "<>", "!=", "<=", ">=", "<", ">" };
	struct part l = parse_sum(b);
	bool done = false;

	for (size_t i = 0; i < sizeof ops / sizeof *ops && b->err == 0; ) {
		if (!tok_is(b, ops[i])) {
			i++;
			continue;
		}
		if (done) {
			build_fault(b, ERR_SYNTAX, b->tok.column, "a comparison of a comparison");
			build_remedy(b, "write: a < b and b < c");
			return l;
		}
		lex_next(b);
		l = op_binary(b, ops[i], l, parse_sum(b));
		done = true;
		i = 0;
	}
	return l;
}

static struct part
parse_not(struct build *b)
{
	struct part r = nothing(b);

	if (!enter(b))
		return r;
	if (tok_is(b, "not")) {
		uint16_t column = b->tok.column;
		lex_next(b);
		struct part x = parse_not(b);
		need_type(b, &x, EXPR_BOOL, "\"not\" is said of");
		r = x;
		r.column = column;
		r.const_op = r.input = -1;
		emit(b, OP_NOT, 0, 0, &r);
	} else
		r = parse_compare(b);
	b->nest--;
	return r;
}

static struct part
parse_and(struct build *b)
{
	static const char *const ops[] = { "and" };
	return parse_chain(b, parse_not, ops, 1);
}

static struct part
parse_or(struct build *b)
{
	static const char *const ops[] = { "or", "xor" };
	return parse_chain(b, parse_and, ops, 2);
}

static struct part
parse_choice(struct build *b)
{
	struct part c = nothing(b);

	if (!enter(b))
		return c;
	c = parse_or(b);
	if (tok_is(b, "?") && b->err == 0) {
		lex_next(b);
		struct part x = parse_choice(b);
		if (b->err == 0 && !tok_is(b, ":")) {
			build_fault(b, ERR_SYNTAX, b->tok.column, "the choice has no \":\" here");
			build_remedy(b, "write: condition ? value : other value");
		}
		lex_next(b);
		c = op_select(b, c, x, parse_choice(b));
	}
	b->nest--;
	return c;
}

struct part
parse_expr(struct build *b)
{
	struct part x = parse_choice(b);

	while (tok_is(b, "else") && b->err == 0) {
		lex_next(b);
		x = op_else(b, x, parse_choice(b));
	}
	return x;
}
