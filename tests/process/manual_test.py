#!/usr/bin/env python3
"""The manual page and the completions of ndb, in the programs that they are for: man or mandoc, bash, zsh, fish.

    manual_test.py NDB

Prints what it looked at; what is not installed is left out and named.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NDB = str(Path(sys.argv[1]).resolve())
failures = []


def check(holds, what):
    if not holds:
        failures.append(what)


def run(words, **more):
    return subprocess.run(words, capture_output=True, text=True, timeout=60, **more)


def ndb(*words, **more):
    answer = run([NDB, *words], **more)
    if answer.returncode != 0:
        sys.exit(f"ndb {' '.join(words)}: {answer.stderr}")
    return answer.stdout


# --- what --help says ------------------------------------------------------------------------------------------------


def help_of(*words):
    """Options and subcommands that a --help lists."""
    text = ndb(*words, "--help")
    options = set(re.findall(r"^\s{2}(?:-\w,)?(--[a-z][a-z-]*)", text, re.M)) - {"--help"}
    listed = text.split("Subcommands:")[1].split("\n\n")[0] if "Subcommands:" in text else ""
    # What stands behind the list is the footer, which has no line that looks like "  word   Text".
    commands = re.findall(r"^  ([a-z][a-z-]*) ", listed, re.M)
    return options, [c for c in commands if run([NDB, *words, c, "--help"]).returncode == 0]


TOOL_OPTIONS, COMMANDS = help_of()
check({"--data-dir", "--url", "--json"} <= TOOL_OPTIONS, f"--help lists {TOOL_OPTIONS}")
check({"import", "bench", "backup", "index", "completion"} <= set(COMMANDS), f"--help lists {COMMANDS}")
HELP = {}  # by the words of the command
for name in COMMANDS:
    options, inner = help_of(name)
    if inner:
        HELP.update({f"{name} {sub}": help_of(name, sub)[0] for sub in inner})
    else:
        HELP[name] = options

# --- the manual page -------------------------------------------------------------------------------------------------


def check_page(text, by):
    text = re.sub(r".\x08", "", text).replace("\u2010", "-").replace("\u2212", "-")
    parts = re.split(r"^   (ndb [a-z][a-z -]*?)(?= [^a-z ]| [A-Z]|$).*$", text, flags=re.M)
    sections = dict(zip(parts[1::2], parts[2::2]))
    for option in TOOL_OPTIONS:
        check(re.search(rf"^ +.*{option}\b", parts[0], re.M), f"{by}: {option} is not among the tool's options")
    for command, options in HELP.items():
        section = sections.get(f"ndb {command}")
        check(section is not None, f"{by}: no section for '{command}'")
        for option in options:
            check(section and re.search(rf"^ +(-\w, )?{option}\b", section, re.M), f"{by}: {option} of '{command}' is missing")
    check("NDB_API_KEY" in text and "ndb import docs vectors.npy" in text, f"{by}: the notes are missing")


def manual_page():
    looked = []
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "ndb.1"
        page.write_text(ndb("man"), encoding="ascii")  # roff that any locale reads
        if shutil.which("groff"):
            answer = run(["groff", "-ww", "-man", "-Tutf8", "-rLL=150n", "-P-c", str(page)])
            check(answer.returncode == 0 and not answer.stderr, f"groff warns: {answer.stderr[:2000]}")
            check_page(answer.stdout, "groff")
            looked.append("groff")
        if shutil.which("man"):
            # As a user sees it; -l takes a file.
            answer = run(["man", "--warnings=w", "-l", str(page)], env={**os.environ, "MANWIDTH": "150", "MANPAGER": "cat", "LC_ALL": "C.UTF-8"})
            check(answer.returncode == 0 and not answer.stderr, f"man warns: {answer.stderr[:2000]}")
            looked.append("man")
        if shutil.which("mandoc"):
            answer = run(["mandoc", "-T", "lint", "-W", "warning", str(page)])
            warnings = [line for line in answer.stdout.splitlines() if "missing date" not in line]
            check(not warnings, f"mandoc warns: {warnings[:10]}")
            check_page(run(["mandoc", "-T", "utf8", "-O", "width=150", str(page)]).stdout, "mandoc")
            looked.append("mandoc")
    return looked


# --- completion ------------------------------------------------------------------------------------------------------


def bash(line, folder):
    """What a real bash offers behind `line`, as it would be typed."""
    script = r"""
      source <("$NDB" completion bash)
      ndb() { "$NDB" "$@"; }
      COMP_LINE=$1; COMP_POINT=${#1}
      # As readline does it: words end at blanks, = and : are words of their own.
      COMP_WORDS=(); word=
      for ((i = 0; i < ${#1}; ++i)); do
        c=${1:i:1}
        case $c in
          " ") [[ $word ]] && COMP_WORDS+=("$word"); word= ;;
          = | :) [[ $word ]] && COMP_WORDS+=("$word"); COMP_WORDS+=("$c"); word= ;;
          *) word+=$c ;;
        esac
      done
      [[ $word || $1 == *" " ]] && COMP_WORDS+=("$word")
      COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
      complete -p ndb > /dev/null && _ndb && printf '%s\n' "${COMPREPLY[@]}"
    """
    return [x for x in run(["bash", "--norc", "-c", script, "bash", line], cwd=folder, env={**os.environ, "NDB": NDB}).stdout.splitlines() if x]


def fish(line, folder):
    env = {**os.environ, "PATH": f"{Path(NDB).parent}:{os.environ['PATH']}", "HOME": folder, "LC_ALL": "C.UTF-8"}
    answer = run(["fish", "--no-config", "-c", f"ndb completion fish | source; complete -C '{line}'"], cwd=folder, env=env)
    return [x.split("\t")[0] for x in answer.stdout.splitlines()]


def zsh(line, folder):
    """In a terminal of its own, for zsh completes nowhere else; what it offers is taken where it would be shown."""
    script = r"""
      zmodload zsh/zpty
      zpty shell 'PATH=$NDB_FOLDER:$PATH zsh -f -i'
      zpty -w shell 'PS1=; unsetopt zle_bracketed_paste prompt_cr prompt_sp; autoload -Uz compinit; compinit -u -D; source <(ndb completion zsh)'
      zpty -w shell 'compadd() { builtin compadd -O __hits "$@" && print -l -- "HIT:"${^__hits}; builtin compadd "$@"; }; zstyle ":completion:*" list-grouped no; bindkey "^I" complete-word'
      zpty -w shell 'print RE""ADY'
      zpty -r shell seen '*READY*'
      zpty -n -w shell "$1"$'\t'
      zpty -n -w shell $'\C-u'
      zpty -w shell 'print DO""NE'
      zpty -r shell seen '*DONE*'
      print -r -- "$seen"
    """
    env = {**os.environ, "NDB_FOLDER": str(Path(NDB).parent), "HOME": folder, "TERM": "dumb"}
    answer = run(["zsh", "-f", "-c", script, "zsh", line], cwd=folder, env=env).stdout
    return re.findall(r"HIT:([^\s]+)", answer)


def check_shell(complete, by, folder):
    def offers(line, *wanted, never=()):
        found = complete(line, folder)
        for word in wanted:
            check(word in found, f"{by}: '{line}' offers {found}, not {word}")
        for word in never:
            check(word not in found, f"{by}: '{line}' offers {word}")

    offers("ndb ", *COMMANDS, never=["__complete"])
    offers("ndb im", "import", "import-qdrant", never=["export"])
    offers("ndb index ", "build", "drop", never=["docs"])
    offers("ndb stats ", "docs", "other")
    offers("ndb stats --data-dir elsewhere ", "third", never=["docs"])
    offers("ndb index build d", "docs", never=["other"])
    offers("ndb import docs ", "vectors.npy", never=["other"])
    offers("ndb bench ", "docs", "vectors.npy")
    offers("ndb create new --distance ", "cosine", "dot", "euclidean")
    offers("ndb completion ", "bash", "zsh", "fish")
    for command, options in HELP.items():
        offers(f"ndb {command} --", *sorted(options), "--json")


def completion():
    looked = []
    with tempfile.TemporaryDirectory() as folder:
        for name, place in (("docs", "data"), ("other", "data"), ("third", "elsewhere")):
            ndb("create", name, "--dim", "2", "--data-dir", f"{folder}/{place}")
        Path(folder, "vectors.npy").touch()
        for shell, complete in (("bash", bash), ("fish", fish)):
            if shutil.which(shell):
                check_shell(complete, shell, folder)
                looked.append(shell)
        if shutil.which("bash"):  # takes words apart at =
            check(bash("ndb create new --distance=d", folder) == ["dot"], f"bash offers {bash('ndb create new --distance=d', folder)} behind =")
        if shutil.which("zsh"):
            answer = run(["zsh", "-n"], input=ndb("completion", "zsh"))
            check(answer.returncode == 0 and not answer.stderr, f"zsh: {answer.stderr}")
            looked.append("zsh (its grammar)")
    return looked


def main():
    looked = manual_page() + completion()
    for failure in failures[:30]:
        print("FAILED:", failure)
    print(f"{len(HELP)} commands, {sum(map(len, HELP.values()))} options; looked at by {', '.join(looked)}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
