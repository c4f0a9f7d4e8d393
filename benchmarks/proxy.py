"""nginx in front of several instances, configured as the README says, with other ports."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.servers import wait_for_port

README = Path(__file__).parents[1] / "README.md"
SHELL = """
{user}
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/unused;
    uwsgi_temp_path {folder}/unused;
    scgi_temp_path {folder}/unused;
    {block}
}}
"""
"""What Debian's nginx.conf has around the block, with files in a folder of one's own."""

PATIENCE = 10.0


def nginx_program() -> str | None:
    """Where nginx is, if it is installed; Debian has it where only root looks."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def readme_block() -> str:
    """The README's configuration."""
    (block,) = re.findall(r"```nginx\n(.*?)```", README.read_text(), flags=re.DOTALL)
    return str(block)


def configuration(folder: Path, port: int, instances: Sequence[int]) -> str:
    """The README's configuration, whole, for a proxy on `port` in front of instances on their ports."""
    block = readme_block().replace("listen 80;", f"listen 127.0.0.1:{port};")
    (line,) = re.findall(r" *server 127\.0\.0\.1:8601 .*\n", block)
    block = re.sub(r" *server 127\.0\.0\.1:8602 .*\n", "", block)
    block = block.replace(line, "".join(line.replace("8601", str(instance)) for instance in instances))
    user = "user root;" if os.geteuid() == 0 else ""  # else root's workers would be nobody, whom the folder does not let in
    return SHELL.format(user=user, folder=folder, block=block)


@contextmanager
def proxied(folder: Path, port: int, instances: Sequence[int]) -> Iterator[None]:
    """Nginx on `port` of this machine in front of instances on their ports; the folder is for its files."""
    program = nginx_program()
    if program is None:
        raise RuntimeError("nginx is not installed; apt-get install nginx would be right")
    folder.mkdir(exist_ok=True)
    file = folder / "nginx.conf"
    file.write_text(configuration(folder, port, instances))
    process = subprocess.Popen([program, "-p", str(folder), "-c", str(file), "-e", str(folder / "error.log")])
    try:
        wait_for_port(process, port, "nginx")
        yield
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)
