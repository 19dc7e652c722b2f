#!/usr/bin/env python3
"""Runs Terraform for a project of Provost: apply, destroy or observe. TERRAFORM names another program, such as tofu."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

CHANGED, MISSING = 2, 3  # Exit codes of `observe`.
TERRAFORM = os.environ.get("TERRAFORM", "terraform")
# Terraform receives the signal too, and ends in an orderly way. A handler, unlike SIG_IGN, is not inherited.
signal.signal(signal.SIGINT, lambda *_: None)


def terraform(*arguments, allowed=(0,), capture=False):
    """Runs Terraform with its output in the log of the job. Ends with its exit code if that is not allowed."""
    command = [TERRAFORM, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE if capture else sys.stderr, stdin=subprocess.DEVNULL)
    if done.returncode not in allowed:
        sys.exit(1)
    return done.stdout.decode() if capture else done.returncode


def print_outputs():
    outputs = json.loads(terraform("output", "-json", capture=True))
    print(json.dumps({name: output["value"] for name, output in outputs.items()}))


job = json.load(sys.stdin)
for file in pathlib.Path(__file__).resolve().parent.glob("*.tf"):
    shutil.copy(file, ".")  # The working directory is private to this run.
pathlib.Path("terraform.tfvars.json").write_text(json.dumps(job["parameters"]))
terraform("init", "-input=false", "-no-color")
match sys.argv[1]:
    case "apply":
        terraform("apply", "-input=false", "-no-color", "-auto-approve")
        print_outputs()
    case "destroy":
        terraform("destroy", "-input=false", "-no-color", "-auto-approve")
    case "observe":
        shown = json.loads(terraform("show", "-json", capture=True))
        root = shown.get("values", {}).get("root_module", {})
        if not root.get("resources") and not root.get("child_modules"):
            sys.exit(MISSING)
        if terraform("plan", "-input=false", "-no-color", "-lock=false", "-detailed-exitcode", allowed=(0, 2)) == 2:
            sys.exit(CHANGED)
        print_outputs()
