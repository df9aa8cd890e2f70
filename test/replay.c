/*
 * Runs one fuzz harness over files and folders of inputs, under any compiler and sanitizer: how a fixed bug's input
 * keeps being tested. With no argument it runs the empty input.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int	ran;

static void
replay(const char *path)
{
	struct stat st;
	if (stat(path, &st) != 0) {
		perror(path);
		exit(2);
	}
	if (S_ISDIR(st.st_mode)) {
		struct dirent **names;
		int n = scandir(path, &names, NULL, alphasort);
		for (int i = 0; i < n; i++) {
			char sub[4096];
			if (names[i]->d_name[0] != '.') {
				snprintf(sub, sizeof sub, "%s/%s", path, names[i]->d_name);
				replay(sub);
			}
			free(names[i]);
		}
		free(names);
		return;
	}
	FILE *f = fopen(path, "rb");
	uint8_t *p = malloc((size_t)st.st_size + 1);
	if (f == NULL || p == NULL || fread(p, 1, (size_t)st.st_size, f) != (size_t)st.st_size) {
		perror(path);
		exit(2);
	}
	fclose(f);
	/* An exact-size copy, so that a sanitizer sees a read past the end. */
	uint8_t *exact = realloc(p, st.st_size ? (size_t)st.st_size : 1);
	LLVMFuzzerTestOneInput(exact, (size_t)st.st_size);
	free(exact);
	ran++;
}

int
main(int argc, char **argv)
{
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	printf("ok %s: %d inputs\n", argv[0], ran);
	return 0;
}
