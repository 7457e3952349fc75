"""Commands for what comes next: which evidence to collect, and data with known truth to learn on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinerja.cli.options import DataOption, LanguageOption, ParametersFile, help_text, load, speak
from kinerja.cli.show import progress, say, show_table, spoken


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command(help=help_text("plan", "plan parameters/andir-2026-q3.yaml"))(plan)
    app.command(help=help_text("simulate", "simulate --scenario S1 --seed 1 --output outputs/simulated"))(simulate)


def plan(parameters: ParametersFile, language: LanguageOption = None, data: DataOption = None) -> None:
    resolved = load(parameters, language, data)
    from kinerja.calibration.section import plan_blocks
    from kinerja.errors import EstimationError
    from kinerja.evaluation import open_run
    from kinerja.show.tables import Table

    with progress() as step:
        evaluation = open_run(resolved, progress=step)
    if evaluation.calibration is None:
        raise EstimationError(say("plan.nothing", name=parameters.name))
    for block in plan_blocks(evaluation.calibration, spoken()):
        if isinstance(block, Table):
            show_table(block)
        else:
            typer.echo(block.plain)
        typer.echo("")


def simulate(
    scenario: Annotated[
        str, typer.Option("--scenario", metavar=say("metavar.scenario"), help=say("option.scenario"))
    ] = "S1",
    seed: Annotated[int, typer.Option("--seed", metavar=say("metavar.number"), min=0, help=say("option.seed"))] = 1,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar=say("metavar.folder"), help=say("option.simulated"))
    ] = Path("outputs/simulated"),
    benchmark: Annotated[bool, typer.Option("--benchmark", help=say("option.benchmark"))] = False,
    replications: Annotated[
        int, typer.Option("--replications", metavar=say("metavar.number"), min=1, help=say("option.replications"))
    ] = 3,
    language: LanguageOption = None,
) -> None:
    speak(language)
    from kinerja.simulation import SCENARIOS

    names = [name.strip() for name in scenario.split(",")]
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        raise typer.BadParameter(say("simulate.unknown", found=", ".join(unknown), allowed=", ".join(SCENARIOS)))
    if benchmark:
        _benchmark(names, seed, replications, output)
        return
    from kinerja.simulation import simulate_office
    from kinerja.simulation.files import write_office

    folder = write_office(simulate_office(SCENARIOS[names[0]], seed=seed), output)
    typer.echo(say("simulate.done", folder=str(folder)))


def _benchmark(names: list[str], seed: int, replications: int, output: Path) -> None:
    """Every way of adjusting on the scenarios named, against the truth; the table on screen and as CSV."""
    from kinerja.methods.figure import benchmark_table
    from kinerja.simulation.benchmark import run_benchmark

    with progress() as step:
        step("simulate", 0.0)
        found = run_benchmark(names, replications=replications, seed=seed)
    show_table(benchmark_table(found, spoken()))
    output.mkdir(parents=True, exist_ok=True)
    path = output / "benchmark.csv"
    found.summary.to_csv(path, index=False, lineterminator="\n")
    typer.echo(f"  {path}")
