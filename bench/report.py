"""Results as text: a line for the terminal, tables in Markdown."""

import statistics

HEADER = (
    '| workload | reference | Rust | ratio (smallest - largest) | goal | peak memory, MiB: reference, Rust, ratio '
    '| start to first result, s: reference, Rust | deviation |'
)


def milliseconds(ms):
  """A time in a unit that suits it."""
  if ms >= 999.5:
    return f'{ms / 1e3:.3g} s'
  return f'{ms:.3g} ms' if ms >= 0.1 else f'{1e3 * ms:.3g} µs'


def time_of(row, side):
  return milliseconds(row[side]['ms']) if 'ms' in row[side] else row[side]['failed']


def ratio(row):
  """Median of the ratios with their smallest and largest value."""
  if 'ratios' not in row:
    return '-'
  ratios = row['ratios']
  spread = f' ({min(ratios):.3g} - {max(ratios):.3g})' if len(ratios) > 1 else ' (one round)'
  return f'{statistics.median(ratios):.3g}{spread}'


def one_line(row):
  times = f'{row["measure"]}: {time_of(row, "reference")} / {time_of(row, "rust")}'
  return f'{times} = {ratio(row)}, deviation {row["deviation"]:.1e}' if 'deviation' in row else times


def memory(row):
  theirs, ours = (row[side].get('peak_mib') for side in ('reference', 'rust'))
  if ours is None:
    return '-'
  return f'{theirs:.0f}, {ours:.0f}, {theirs / ours:.1f}' if theirs else f'-, {ours:.0f}, -'


def start_up(row):
  theirs, ours = (row[side].get('start_up_s') for side in ('reference', 'rust'))
  return f'{theirs:.1f}, {ours:.2f}' if theirs else f'-, {ours:.2f}'


def table(rows):
  lines = [HEADER, '|' + '---|' * (HEADER.count('|') - 1)]
  for row in rows:
    cells = (
        f'{row["workload"]} {row["measure"]}',
        time_of(row, 'reference'),
        time_of(row, 'rust'),
        ratio(row),
        str(row['goal'] or ''),
        memory(row),
        start_up(row),
        f'{row["deviation"]:.0e}' if 'deviation' in row else '-',
    )
    lines.append(f'| {" | ".join(cells)} |')
  return lines


def scaling(rows):
  """How our times and theirs grow: time per atom, and message passing at L = 6 over L = 2."""
  lines = []
  for row in rows:
    if atoms := row['args'].get('atoms'):
      sides = [f'{side} {1e3 * row[side]["ms"] / atoms:.3g} µs' for side in ('reference', 'rust') if 'ms' in row[side]]
      lines.append(f'- Energy and forces of {atoms} atoms, time per atom: {", ".join(sides)}.')
  ours = {(row['workload'], row['measure']): row['rust'].get('ms') for row in rows}
  for (workload, measure), high in ours.items():
    low = ours.get((workload.replace('L6', 'L2'), measure))
    if workload.startswith('message_pass') and workload.endswith('L6') and high and low:
      lines.append(f'- {workload} {measure}, Rust: {high / low:.3g} times the time at L = 2.')
  return lines


def below_goal(rows):
  """Rows whose median ratio misses the goal, the farthest first."""
  shares = []
  for row in rows:
    if row['goal'] and 'ratios' in row:
      median = statistics.median(row['ratios'])
      shares.append((median / row['goal'], f'{row["workload"]} {row["measure"]}: {median:.3g} of {row["goal"]}'))
  return [f'- {text}' for share, text in sorted(shares) if share < 1]


def section(title, lines):
  return ['', f'## {title}', '', *lines] if lines else []


def markdown(result):
  """The whole report."""
  facts, rows = result['facts'], result['rows']
  versions = ', '.join(f'{name} {version}' for name, version in facts['reference'].items())
  lines = [
      '# Times beside the Python reference',
      '',
      'Written by `python bench/compare.py`; [README.md](README.md) says what is measured. Ratio: time of the reference',
      'over time of Rust, medians of the rounds.',
      '',
      f'{facts["date"]}, {facts["processor"]}, {facts["threads"]} thread(s), commit {facts["commit"]}.',
      f'{versions}. Load average before and after: {facts["load_before"]:.1f}, {facts["load_after"]:.1f}; the run took',
      f'{facts["seconds"]} s.',
  ]
  lines += section('Errors', [f'- {error}' for error in result['errors']])
  for group in dict.fromkeys(row['workload'].split('/')[0] for row in rows):
    lines += section(group, table([row for row in rows if row['workload'].split('/')[0] == group]))
  lines += section('Scaling', scaling(rows))
  lines += section('Below the goal', below_goal(rows))
  return '\n'.join(lines) + '\n'
