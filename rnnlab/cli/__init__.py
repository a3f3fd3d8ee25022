"""The command line: what each command takes. TensorFlow is imported inside commands only, so that help is quick."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from rnnlab.errors import Interrupted, RnnlabError, UserError, one_line, printable

# What the user can put right, wherever it arises; any other OSError is a bug, whose traceback is wanted.
MACHINE_SAYS_NO = (
    errno.ENAMETOOLONG,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EIO,
)

app = typer.Typer(
    name="rnnlab",
    help="Sequences in, a recurrent network trained right out. One YAML spec names data, question and network.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Spec = Annotated[Path, typer.Argument(help="the spec, a YAML file", show_default=False)]
Run = Annotated[Path, typer.Argument(help="the run folder", show_default=False)]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="override one key; may be given several times")
]
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="the data directory; default: RNNLAB_DATA_DIR, else data/")
]
RunsDir = Annotated[Path, typer.Option("--runs-dir", help="where run folders are made and found")]
Plugin = Annotated[
    list[str] | None, typer.Option("--plugin", metavar="FILE", help="Python file or module with your own components")
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON, and nothing else, on standard output")]


def _version(wanted: bool) -> None:
    if wanted:
        import rnnlab

        print(rnnlab.__version__)
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Take what every command takes."""


@app.command()
def train(
    spec: Annotated[Path | None, typer.Argument(help="the spec; with --resume not needed", show_default=False)] = None,
    run: Annotated[Path | None, typer.Option(help="the run folder; default: runs/NAME-001, next free number")] = None,
    settings: Settings = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on with --run exactly where it stopped")] = False,
    seeds: Annotated[
        str | None, typer.Option(metavar="0-2", help="one run a seed, and a table of their scores")
    ] = None,
    folds: Annotated[
        str | None, typer.Option(metavar="all", help="one run a fold, and a table of their scores")
    ] = None,
    weights_from: Annotated[Path | None, typer.Option("--from", help="start from another run's weights")] = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = Path("runs"),
    plugin: Plugin = None,
) -> None:
    """Train a network, and print its validation scores beside the baselines'."""
    from rnnlab.cli.training import TrainingRequest, train_all

    request = TrainingRequest(
        spec, run, tuple(settings or ()), resume, seeds, folds, weights_from, _named_data(data_dir), runs_dir
    )
    _load(plugin)
    train_all(request)


@app.command()
def evaluate(
    runs: Annotated[
        list[Path] | None, typer.Argument(help="run folders; default: the latest", show_default=False)
    ] = None,
    split: Annotated[str, typer.Option(help="test, validation or train")] = "test",
    settings: Settings = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    runs_dir: RunsDir = Path("runs"),
    plugin: Plugin = None,
) -> None:
    """Score a run on its test split, beside the baselines; several runs: mean and spread."""
    from rnnlab.cli.scoring import evaluate_runs

    _load(plugin)
    evaluate_runs(runs or [], split, tuple(settings or ()), as_json, _named_data(data_dir), runs_dir)


@app.command()
def predict(
    run: Run,
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="a file in the training data's format", show_default=False)
    ],
    output: Annotated[Path | None, typer.Option(help="write here; .csv or .jsonl; default: standard output")] = None,
    as_json: AsJson = False,
    from_date: Annotated[
        str | None, typer.Option(metavar="DATE", help="forecast from this date on; default: behind the last value")
    ] = None,
    settings: Settings = None,
    plugin: Plugin = None,
) -> None:
    """Answer for a file, whose labels are not needed; of series, forecast what follows."""
    from rnnlab.cli.scoring import predict_file

    _load(plugin)
    predict_file(run, source, output, as_json, from_date, tuple(settings or ()))


@app.command()
def backtest(
    run: Annotated[
        Path | None, typer.Argument(help="a run of `train --folds 0`; default: the latest", show_default=False)
    ] = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = Path("runs"),
    plugin: Plugin = None,
) -> None:
    """Score a forecaster on the block of time behind its training, and on all later ones, without training anew."""
    from rnnlab.cli.scoring import backtest_run

    _load(plugin)
    backtest_run(run, _named_data(data_dir), runs_dir)


@app.command()
def generate(
    run: Run,
    prompt: Annotated[
        str | None,
        typer.Option(help="go on from this text, or of music these chords, such as '60 64 67, 62 65 69'; or answer it"),
    ] = None,
    length: Annotated[
        int | None, typer.Option(help="tokens, or frames of music; default: 500, or 64; of answers as the run's own")
    ] = None,
    count: Annotated[int | None, typer.Option(help="how many answers; default: 10")] = None,
    temperature: Annotated[float, typer.Option(help="below 1: more of the probable; 0: only the most probable")] = 1.0,
    top_k: Annotated[int | None, typer.Option(help="draw among so many of the most probable only")] = None,
    top_p: Annotated[
        float | None, typer.Option(help="draw among the fewest most probable that together are so probable")
    ] = None,
    seed: Annotated[int, typer.Option(help="another seed, another text")] = 0,
    output: Annotated[
        Path | None, typer.Option(help="write here; of music default: RUN/generated.mid, a picture beside it")
    ] = None,
    data_dir: DataDir = None,
    plugin: Plugin = None,
) -> None:
    """Let a run of language modelling go on: with a text as it comes, or with music in a MIDI file; or draw answers.

    Beside each answer stands the nearest one of the training data.
    """
    from rnnlab.cli.generating import GenerationRequest
    from rnnlab.cli.generating import generate as go_on

    _load(plugin)
    data, named = _named_data(data_dir), data_dir is not None
    go_on(GenerationRequest(run, prompt, length, temperature, top_k, top_p, seed, output, count, data, named))


@app.command()
def export(
    run: Run,
    form: Annotated[str, typer.Option("--format", help="a format; `rnnlab list export` shows them")] = "saved_model",
    output: Annotated[Path | None, typer.Option(help="where to write; default: RUN/export/FORMAT")] = None,
    plugin: Plugin = None,
) -> None:
    """Export a run, load what was written, and compare its answers with the run's."""
    from rnnlab.cli.scoring import export_run

    _load(plugin)
    export_run(run, form, output)


@app.command()
def check(spec: Spec, settings: Settings = None, data_dir: DataDir = None, plugin: Plugin = None) -> None:
    """Do all of it but train: look at the data, build the network, show shapes, lengths, padding and memory."""
    from rnnlab.cli.inspection import check_spec

    _load(plugin)
    check_spec(spec, tuple(settings or ()), _data(data_dir))


@app.command("list")
def list_(
    kind: Annotated[
        str | None, typer.Argument(help="such as architectures; default: every kind", show_default=False)
    ] = None,
    plugin: Plugin = None,
) -> None:
    """List what a spec can name, with keys and meanings."""
    from rnnlab.cli.inspection import list_components

    _load(plugin)
    list_components(kind)


@app.command()
def schema(plugin: Plugin = None) -> None:
    """Print the JSON Schema of a spec, for editors."""
    from rnnlab.experiment import schema as describe

    _load(plugin)
    print(describe())


@app.command()
def render(spec: Spec, settings: Settings = None, plugin: Plugin = None) -> None:
    """Print the resolved spec, with every default."""
    from rnnlab.experiment import load_experiment

    _load(plugin)
    print(load_experiment(spec, tuple(settings or ())).to_yaml(), end="")


@app.command()
def runs(runs_dir: RunsDir = Path("runs")) -> None:
    """List the runs."""
    from rnnlab.cli.inspection import list_runs

    list_runs(runs_dir)


def _data(data_dir: Path | None) -> Path:
    from rnnlab.places import default_data_directory

    return data_dir.absolute() if data_dir is not None else default_data_directory()


def _named_data(data_dir: Path | None) -> Path | None:
    """Return the data directory that the user named, or None: then a run knows its own."""
    return _data(data_dir) if data_dir is not None or os.environ.get("RNNLAB_DATA_DIR") else None


def _load(plugins: list[str] | None) -> None:
    from rnnlab.registry import load_plugin

    for plugin in plugins or []:
        load_plugin(plugin)


def main() -> None:
    """Run the command line; every error of the user's is one clear message and exit code 2."""
    try:
        code = _run()
        sys.stdout.flush()
    except BrokenPipeError:
        # What reads standard output went away (`| head`): nothing is wrong, and nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


def _run() -> int | str | None:
    """Run the command, and return the exit code.

    Raises:
        BrokenPipeError: what reads the output went away.
    """
    try:
        app()
    except RnnlabError as error:
        print("\n".join(printable(line) for line in str(error).split("\n")), file=sys.stderr)
        return error.exit_code
    except OSError as error:
        if error.errno not in MACHINE_SAYS_NO:
            raise
        print(one_line(f"{error.filename or 'writing'}: {error.strerror}"), file=sys.stderr)
        return UserError.exit_code
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # typer makes exit code 1 of it
            raise end.__context__ from None
        if end.code == Interrupted.exit_code:
            print("interrupted", file=sys.stderr)
        return end.code
    return 0
