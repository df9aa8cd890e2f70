#!/usr/bin/python3
"""etc/open62541.sh takes only what Debian signed, never a half build for a whole one, and is quiet when there is nothing to do.

The archive here is a folder and apt is told of it alone, so nothing is fetched from anywhere.
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *

SCRIPT = os.path.join(TOP, "etc/open62541.sh")
RELEASE = """Origin: Debian
Codename: {suite}
SHA256:
 {hash} 100 main/source/Sources.xz
"""


def script(word, cache, archive=None, **env):
    """Runs the script with a cache of its own, and with no archive but the given folder."""
    if archive is not None:
        with open("/etc/os-release", encoding="utf-8") as f:
            codename = dict(line.rstrip().split("=", 1) for line in f if "=" in line).get("VERSION_CODENAME", "sid").strip('"')
        with open(os.path.join(archive, "sources.list"), "w", encoding="utf-8") as f:
            f.write(f"deb file:{archive} {codename} main\n")
        with open(os.path.join(archive, "apt.conf"), "w", encoding="utf-8") as f:
            f.write(f'Dir::Etc::sourcelist "{archive}/sources.list";\nDir::Etc::sourceparts "-";\n'
                    f'Dir::State::lists "{archive}/lists";\n')
        env["APT_CONFIG"] = os.path.join(archive, "apt.conf")
    return run("sh", SCRIPT, word, limit_s=60, env={"PENSTOCK_OPEN62541": "", "PENSTOCK_CACHE": cache, **env})


def offer(archive, text):
    """The same InRelease for both suites that are asked."""
    for suite in "trixie", "sid":
        os.makedirs(os.path.join(archive, "dists", suite), exist_ok=True)
        with open(os.path.join(archive, "dists", suite, "InRelease"), "w", encoding="utf-8") as f:
            f.write(text.format(suite=suite, hash="0" * 64))


def test_what_debian_did_not_sign_is_not_used():
    if not os.path.exists("/usr/lib/apt/apt-helper"):
        skip("this machine has no apt")
    cache, archive = temp_dir(), temp_dir()
    signed_by_nobody = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" + RELEASE + \
        "-----BEGIN PGP SIGNATURE-----\n\n=twTO\n-----END PGP SIGNATURE-----\n"
    for text in RELEASE, signed_by_nobody:
        offer(archive, text)
        done = script("build", cache, archive)
        equal(done.returncode, 1, f"the status, saying {done.stdout!r} {done.stderr!r},")
        equal(done.stdout.count("is not signed by a key in /usr/share/keyrings/debian-archive-keyring.gpg; not used"), 2,
              f"refusals in {done.stdout!r}")
        assert "no suite of (trixie sid) gave a whole source package" in done.stderr, done.stderr
        equal(os.listdir(cache), [], "what is left in the cache")


def test_an_archive_without_the_suites_is_named():
    if not os.path.exists("/usr/lib/apt/apt-helper"):
        skip("this machine has no apt")
    archive = temp_dir()
    done = script("build", temp_dir(), archive)
    equal(done.returncode, 1, "the status")
    for suite in "trixie", "sid":
        assert f"file:{archive} has no dists/{suite}/InRelease" in done.stdout, done.stdout


def test_a_half_build_is_not_taken_and_a_whole_one_is_quiet():
    here = run("sh", SCRIPT, "prefix").stdout.strip()
    if not here.startswith("/"):
        skip("open62541 is not built on this machine")
    if os.environ.get("PENSTOCK_OPEN62541"):
        skip("this machine uses a build of its own")
    cache = temp_dir()
    prefix = os.path.join(cache, os.path.basename(here))
    os.makedirs(os.path.join(prefix, "lib"))
    done = script("prefix", cache)
    equal((done.returncode, done.stdout), (1, ""), "the answer while the library is missing")
    assert "make deps" in done.stderr, done.stderr
    os.rmdir(os.path.join(prefix, "lib"))
    os.rmdir(prefix)
    os.symlink(here, prefix)
    equal(script("prefix", cache).stdout, prefix + "\n", "the prefix")
    done = script("build", cache)
    equal((done.returncode, done.stdout, done.stderr), (0, "", ""), "building what is there")


def test_a_build_of_ones_own_is_looked_at():
    own = temp_dir()
    done = script("prefix", temp_dir(), PENSTOCK_OPEN62541=own)
    equal(done.returncode, 1, "the status")
    assert f"PENSTOCK_OPEN62541 is {own}, where lib/pkgconfig/open62541.pc is missing" in done.stderr, done.stderr
    for name, text in ("lib/pkgconfig/open62541.pc", ""), ("include/open62541/config.h", "/* plain malloc */\n"):
        os.makedirs(os.path.join(own, os.path.dirname(name)))
        with open(os.path.join(own, name), "w", encoding="utf-8") as f:
            f.write(text)
    assert "UA_ENABLE_MALLOC_SINGLETON" in script("build", temp_dir(), PENSTOCK_OPEN62541=own).stderr, "it is not looked at"
    with open(os.path.join(own, "include/open62541/config.h"), "w", encoding="utf-8") as f:
        f.write("#define UA_ENABLE_MALLOC_SINGLETON\n")
    equal(script("prefix", temp_dir(), PENSTOCK_OPEN62541=own).stdout, own + "\n", "the prefix")


if __name__ == "__main__":
    main()
