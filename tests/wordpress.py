"""A real WordPress for tests: Debian's package on MariaDB, PHP (FastCGI) and nginx, on loopback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servers import open_folder
from web_servers import accepts, account, hand_over, missing, nginx, program, running

FILES = Path("/usr/share/wordpress")
THEME = FILES / "wp-content/themes/twentytwentythree"
OURS = Path(__file__).parent / "sites" / "wordpress"
_PROGRAMS = ("mariadb-install-db", "mariadbd", "mariadb", "php", "php-cgi", "nginx")
# Without SimpleXML (Debian's php-xml), WordPress has no sitemaps: it answers 501.
_EXTENSIONS = ("gd", "mysqli", "SimpleXML")
# With the example in Debian's package: files as they are, everything else by index.php.
_SITE = """
root {folder}/root; index index.php;
location / {{ try_files $uri $uri/ /index.php?$args; }}
location /wp-content/ {{ alias {folder}/wp-content/; }}
location ~ \\.php$ {{
  include /etc/nginx/fastcgi_params;
  fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
  fastcgi_pass unix:{folder}/php.sock;
}}
"""


def missing_for_wordpress() -> list[str]:
    """Return the programs, files and extensions of PHP that are not installed."""
    absent = missing([*_PROGRAMS, str(FILES / "wp-load.php"), str(THEME)])
    if absent:
        return absent
    listed = subprocess.run([str(program("php")), "-m"], capture_output=True, text=True, check=True)
    return [f"php-{name}" for name in _EXTENSIONS if name not in listed.stdout.split()]


@dataclass
class WordPress:
    """A running WordPress; `url` has no slash at its end."""

    folder: Path
    url: str

    def edit(self, *edits: tuple[Any, ...]) -> list[Any]:
        """Change the site by functions of edit.php, each its name and arguments; return results."""
        asked = json.dumps([[name, list(arguments)] for name, *arguments in edits])
        ran = subprocess.run(
            [str(program("php")), *_php_options(self.folder), str(self.folder / "edit.php")],
            input=asked,
            env=_environment(self.folder, self.url),
            capture_output=True,
            text=True,
            check=False,
            **account(),
        )
        assert ran.returncode == 0, ran.stderr + ran.stdout
        results: list[Any] = json.loads(ran.stdout)
        return results

    def sql(self, query: str) -> list[list[str]]:
        """Return the rows of a query on the database, as texts."""
        return [line.split("\t") for line in _sql(self.folder, query, "wordpress").splitlines()]


@contextmanager
def wordpress() -> Iterator[WordPress]:
    """Install and serve a WordPress in a folder of its own."""
    with open_folder("optout-wordpress-") as folder, ExitStack() as servers:
        _lay(folder)
        servers.enter_context(_mariadb(folder))
        url = servers.enter_context(nginx(folder, _SITE.format(folder=folder)))
        servers.enter_context(_php(folder, url))
        site = WordPress(folder, url)
        site.edit(("install", "A studio"))
        yield site


def _lay(folder: Path) -> None:
    """Make a root of links to the package's files, with a configuration of its own."""
    root, content = folder / "root", folder / "wp-content"
    root.mkdir()
    for path in FILES.iterdir():
        if path.name not in ("wp-config.php", "wp-content"):
            (root / path.name).symlink_to(path)
    shutil.copy(OURS / "wp-config.php", root)
    (content / "mu-plugins").mkdir(parents=True)
    (content / "themes").mkdir()
    (content / "themes" / THEME.name).symlink_to(THEME)
    shutil.copy(OURS / "marks.php", content / "mu-plugins")
    shutil.copy(OURS / "edit.php", folder)
    # The package's files would take their own folder for the site's.
    (folder / "root.php").write_text(f"<?php define('ABSPATH', '{root}/');\n")
    hand_over(folder)


@contextmanager
def _mariadb(folder: Path) -> Iterator[None]:
    data, socket = folder / "mariadb", folder / "mariadb.sock"
    options = ["--no-defaults", f"--datadir={data}"]
    subprocess.run(
        [
            *(str(program("mariadb-install-db")), *options, "--skip-test-db"),
            *("--auth-root-authentication-method=normal", "--skip-name-resolve"),
        ],
        stdout=subprocess.DEVNULL,
        check=True,
        **account(),
    )
    settings = ["--skip-networking", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"]
    server = [str(program("mariadbd")), *options, f"--socket={socket}", *settings]
    with running(server, folder / "mariadb.log", lambda: accepts(str(socket))):
        _sql(folder, "CREATE DATABASE wordpress; CREATE USER wordpress@localhost;")
        _sql(folder, "GRANT ALL ON wordpress.* TO wordpress@localhost;")
        yield


def _sql(folder: Path, query: str, database: str = "mysql") -> str:
    return subprocess.run(
        [
            *(str(program("mariadb")), "--no-defaults", f"--socket={folder}/mariadb.sock"),
            *("--user=root", "--batch", "--raw", "--skip-column-names", database, "-e", query),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@contextmanager
def _php(folder: Path, url: str) -> Iterator[None]:
    socket = folder / "php.sock"
    server = [str(program("php-cgi")), *_php_options(folder), "-b", str(socket)]
    with running(
        server, folder / "php.log", lambda: accepts(str(socket)), _environment(folder, url)
    ):
        yield


def _php_options(folder: Path) -> list[str]:
    prepended = f"auto_prepend_file={folder / 'root.php'}"
    return ["-d", prepended, "-d", "display_errors=stderr"]


def _environment(folder: Path, url: str) -> dict[str, str]:
    return {
        **os.environ,
        "SITE_FOLDER": str(folder),
        "SITE_URL": url,
        "PHP_FCGI_CHILDREN": "3",
        "PHP_FCGI_MAX_REQUESTS": "0",
    }
