/* See path.h. */
#include "model/path.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

static size_t
name_len(const char *p)
{
	return strcspn(p, "/");
}

/* One name against one pattern name, '*' and '?'; the usual two-pointer walk, linear in practice, no recursion. */
static bool
name_match(const char *pat, size_t plen, const char *s, size_t slen)
{
	size_t p = 0, i = 0, star = SIZE_MAX, mark = 0;

	while (i < slen) {
		if (p < plen && (pat[p] == s[i] || pat[p] == '?')) {
			p++;
			i++;
		} else if (p < plen && pat[p] == '*') {
			star = p++;
			mark = i;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			i = ++mark;
		} else
			return false;
	}
	while (p < plen && pat[p] == '*')
		p++;
	return p == plen;
}

bool
path_match(const char *pattern, const char *path)
{
	const char *back_pat = NULL, *back_path = NULL;

	/* The same walk over whole names: '**' remembers where to come back to. Ends: back_path only moves right. */
	for (;;) {
		size_t pl = name_len(pattern), nl = name_len(path);
		bool pat_end = *pattern == '\0', path_end = *path == '\0';
		if (pat_end && path_end)
			return true;
		if (!pat_end && pl == 2 && memcmp(pattern, "**", 2) == 0) {
			pattern += pattern[pl] == '/' ? pl + 1 : pl;
			back_pat = pattern;
			back_path = path;
			continue;
		}
		if (!pat_end && !path_end && name_match(pattern, pl, path, nl)) {
			bool pat_more = pattern[pl] == '/', path_more = path[nl] == '/';
			pattern += pat_more ? pl + 1 : pl;
			path += path_more ? nl + 1 : nl;
			continue;
		}
		if (back_pat == NULL || *back_path == '\0')
			return false;
		nl = name_len(back_path);
		back_path += back_path[nl] == '/' ? nl + 1 : nl;
		path = back_path;
		pattern = back_pat;
	}
}

const char *
path_fault(const char *path, size_t len)
{
	size_t depth = 1, name = 0;

	if (len > PATH_LEN_MAX)
		return "longer than 512 bytes";
	if (!utf8_valid(path, len))
		return "not valid UTF-8";
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)path[i];
		if (c < 0x20 || c == 0x7f)
			return "holds a control character";
		if (c == '*' || c == '?')
			return "holds a wildcard";
		if (c == '/') {
			if (name == 0)
				return "has an empty name";
			name = 0;
			depth++;
		} else
			name++;
	}
	if (name == 0)
		return "has an empty name";
	return depth > PATH_DEPTH_MAX ? "more than 16 levels deep" : NULL;
}
