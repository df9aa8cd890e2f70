/* The cookies of a session, and files that hold secrets. See http.h. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "os/disk.h"
#include "sink/sap_odata/http_int.h"

struct http_jar *
http_jar_new(void)
{
	struct http_jar *j = calloc(1, sizeof *j);

	if (j != NULL && (j->share = curl_share_init()) == NULL) {
		free(j);
		j = NULL;
	}
	if (j != NULL)
		curl_share_setopt(j->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
	return j;
}

void
http_jar_clear(struct http_jar *j)
{
	CURL *e = curl_easy_init();

	if (e == NULL)
		return;
	curl_easy_setopt(e, CURLOPT_SHARE, j->share);
	curl_easy_setopt(e, CURLOPT_COOKIELIST, "ALL");
	j->set = 0;
	curl_easy_cleanup(e);
}

void
http_jar_free(struct http_jar *j)
{
	if (j != NULL)
		curl_share_cleanup(j->share);
	free(j);
}

int
http_secret(const char *path, char out[HTTP_SECRET_MAX], char *why, size_t size)
{
	struct disk_stat st;
	int fd = disk_os.open(disk_os.ctx, path, DISK_READ);
	ssize_t n = fd < 0 ? fd : disk_os.pread(disk_os.ctx, fd, out, HTTP_SECRET_MAX - 1, 0);

	if (fd >= 0 && disk_os.fstat(disk_os.ctx, fd, &st) == 0 && st.exposed)
		log_warn("secret_readable", "file=\"%s\" remedy=\"chmod 600: others on this machine can read the secret\"", path);
	if (fd >= 0)
		disk_os.close(disk_os.ctx, fd);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
	if (n >= 0 && out[0] != '\0')
		return 0;
	snprintf(why, size, "the file %.120s with the secret: %s", path, n < 0 ? err_text((int)n) : "its first line is empty");
	return n < 0 ? (int)n : ERR_SYNTAX;
}
