/*
 * Tokens of the language. A number may have its unit behind it: 5bar, 2.5kPa, 10s (letters and % only), or 5 [m3/h] in
 * brackets, which are matched, so that 70 [[degF]] works. 'single quotes' hold the path of a tag, "double quotes" a
 * text.
 */
#include <ctype.h>
#include <string.h>

#include "base/num.h"
#include "base/utf8.h"
#include "expr/inside.h"

static const char *const operators[] = { "<=", ">=", "<>", "!=", "==", "..", "<", ">", "=", "+", "-", "*", "/", "^",
	"(", ")", ",", "?", ":" };

static void
bad(struct build *b, size_t at, const char *cause, const char *remedy)
{
	build_fault(b, ERR_SYNTAX, (int)at + 1, "%s", cause);
	build_remedy(b, "%s", remedy);
	b->tok.kind = TOK_BAD;
}

static bool
name_start(char c)
{
	return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool
name_char(char c)
{
	return name_start(c) || isdigit((unsigned char)c);
}

static char
at(const struct build *b, size_t i)
{
	return i < b->len ? b->text[i] : '\0';
}

/* Digits, a fraction, an exponent; or 0x and hexadecimal digits. */
static size_t
number_len(const struct build *b, size_t s, bool *integer)
{
	size_t p = s;

	*integer = true;
	if (at(b, p) == '0' && (at(b, p + 1) == 'x' || at(b, p + 1) == 'X')) {
		for (p += 2; isxdigit((unsigned char)at(b, p)); p++)
			;
		return p - s;
	}
	while (isdigit((unsigned char)at(b, p)))
		p++;
	if (at(b, p) == '.' && isdigit((unsigned char)at(b, p + 1))) {
		*integer = false;
		for (p++; isdigit((unsigned char)at(b, p)); p++)
			;
	}
	if (at(b, p) == 'e' || at(b, p) == 'E') {
		size_t q = p + 1 + (at(b, p + 1) == '+' || at(b, p + 1) == '-');
		if (isdigit((unsigned char)at(b, q))) {
			*integer = false;
			for (p = q; isdigit((unsigned char)at(b, p)); p++)
				;
		}
	}
	return p - s;
}

static void
lex_number(struct build *b)
{
	struct token *t = &b->tok;
	size_t len = number_len(b, b->pos, &t->integer);
	const char *s = b->text + b->pos;

	t->kind = TOK_NUMBER;
	if (t->integer && num_parse_i64(s, len, &t->i) != 0) {
		if (len > 1 && (s[1] == 'x' || s[1] == 'X')) {
			bad(b, b->pos, "this hexadecimal number cannot be read", "at most 7FFFFFFFFFFFFFFF fits");
			return;
		}
		t->integer = false;
	}
	if (t->integer)
		t->f = (double)t->i;
	else if (num_parse_f64(s, len, '.', &t->f) != 0)
		bad(b, b->pos, "this number cannot be read", "write 12, 1.5 or 6.02e23");
	b->pos += len;
}

/* From the opening quote on; the inside has no escapes: a text with " in it cannot be written. */
static void
lex_quoted(struct build *b, char quote, enum token_kind kind)
{
	size_t start = b->pos + 1, end = start;

	while (end < b->len && b->text[end] != quote)
		end++;
	if (end == b->len) {
		bad(b, b->pos, quote == '"' ? "the text that begins here does not end" :
		    "the tag that begins here does not end",
		    quote == '"' ? "close it with \"" : "close it with '");
		return;
	}
	b->tok.kind = kind;
	b->tok.p = b->text + start;
	b->tok.len = end - start;
	b->pos = end + 1;
}

static void
lex_unit(struct build *b)
{
	size_t start = b->pos + 1, p = start;
	int open = 1;

	for (; p < b->len && open > 0; p++)
		open += b->text[p] == '[' ? 1 : b->text[p] == ']' ? -1 : 0;
	if (open > 0) {
		bad(b, b->pos, "the unit that begins here does not end", "close it with ]");
		return;
	}
	b->tok.kind = TOK_UNIT;
	b->tok.p = b->text + start;
	b->tok.len = p - 1 - start;
	b->pos = p;
}

static bool
lex_operator(struct build *b)
{
	for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
		size_t n = strlen(operators[i]);
		if (b->len - b->pos >= n && memcmp(b->text + b->pos, operators[i], n) == 0) {
			b->tok.kind = TOK_OP;
			b->tok.p = operators[i];
			b->tok.len = n;
			b->pos += n;
			return true;
		}
	}
	return false;
}

static void
lex_strange(struct build *b)
{
	static const struct { const char *s, *remedy; } habits[] = {
		{ "&&", "write: and" }, { "||", "write: or" }, { "!", "write: not" },
		    { "%", "write mod(a, b) for the remainder; 5% directly behind a number is per cent" },
		{ "&", "write and, or bits(x, 4..7) for bits" }, { "|", "write: or" },
		    { ".", "a bit is written x.3; a path stands in 'single quotes'" },
		{ "{", "a path stands in 'single quotes'" }, { ";", "one expression has one result" },
	};
	const char *remedy = "names with other characters than letters, digits and _ stand in 'single quotes'";
	size_t n = utf8_len(b->text + b->pos, b->len - b->pos);

	for (size_t i = 0; i < sizeof habits / sizeof *habits; i++)
		if (strncmp(b->text + b->pos, habits[i].s, strlen(habits[i].s)) == 0) {
			remedy = habits[i].remedy;
			break;
		}
	char cause[60] = "a character that has no meaning here";
	if (n >= 1 && (unsigned char)b->text[b->pos] >= ' ')
		snprintf(cause, sizeof cause, "\"%.*s\" has no meaning here", (int)n, b->text + b->pos);
	bad(b, b->pos, cause, remedy);
}

void
lex_next(struct build *b)
{
	while (b->pos < b->len && strchr(" \t\r\n", b->text[b->pos]) != NULL && b->text[b->pos] != '\0')
		b->pos++;
	b->tok = (struct token){ .kind = TOK_END, .column = (uint16_t)(b->pos + 1) };
	b->tok.end = b->tok.column;
	if (b->pos >= b->len || b->err != 0)
		return;
	char c = b->text[b->pos];
	b->tok.p = b->text + b->pos;
	if (isdigit((unsigned char)c))
		lex_number(b);
	else if (name_start(c)) {
		size_t s = b->pos;
		while (b->pos < b->len && name_char(b->text[b->pos]))
			b->pos++;
		b->tok.kind = TOK_NAME;
		b->tok.len = b->pos - s;
	} else if (c == '.' && isdigit((unsigned char)at(b, b->pos + 1))) {
		b->tok.kind = TOK_BIT;
		for (b->pos++; isdigit((unsigned char)at(b, b->pos)); b->pos++)
			b->tok.i = b->tok.i < 1000 ? b->tok.i * 10 + (b->text[b->pos] - '0') : 1000;
	} else if (c == '\'')
		lex_quoted(b, '\'', TOK_QUOTED);
	else if (c == '"')
		lex_quoted(b, '"', TOK_TEXT);
	else if (c == '[')
		lex_unit(b);
	else if (!lex_operator(b))
		lex_strange(b);
	b->tok.end = (uint16_t)(b->pos + 1);
}

bool
tok_is(const struct build *b, const char *word)
{
	return (b->tok.kind == TOK_OP || b->tok.kind == TOK_NAME) && strlen(word) == b->tok.len &&
	    memcmp(b->tok.p, word, b->tok.len) == 0;
}
