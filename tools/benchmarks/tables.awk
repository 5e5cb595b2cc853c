# Tables of one measurement in one unit, from lines of results.sh: `absent` first (four fields), then `results` (seven).
#
# -v work, unit: which. -v format=markdown: a row a case, a column for each who. -v format=plain: a row a case and who, with
# -v unit_width, and -v heading=1 for the first of several units, which has the heading and what is absent.
# "apus is" says how many times better we are: best against best, and in brackets the median of the ratios within a round.

BEGIN { FS = "\t"; width = 10 }

$1 == work && length($2) > width { width = length($2) }

NF == 4 && $1 == work { missing[$2, $3] = $4; absents[++absent_count] = $2 FS $3; next }

NF >= 6 && $1 == work && $4 == unit {
  note_case($2)
  note_who($3)
  seen = 1
  better = $5
  n = ++count[$2, $3]
  value[$2, $3, n] = $6 + 0
}

function note_case(name) { if (!(name in known_case)) { known_case[name] = 1; cases[++case_count] = name } }
function note_who(name) { if (!(name in known_who)) { known_who[name] = 1; whos[++who_count] = name } }

# Sets best, median, worst of a case and who.
function look(what, who,   n, j, k, v) {
  n = count[what, who]
  for (j = 1; j <= n; j++) {
    v = value[what, who, j]
    for (k = j; k > 1 && sorted[k - 1] > v; k--) sorted[k] = sorted[k - 1]
    sorted[k] = v
  }
  median = n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
  best = better == "less" ? sorted[1] : sorted[n]
  worst = better == "less" ? sorted[n] : sorted[1]
}

function number(v) {
  if (v == int(v) && v < 1e9) return sprintf("%d", v)
  if (v >= 100) return sprintf("%.0f", v)
  if (v >= 10) return sprintf("%.1f", v)
  if (v >= 0.1) return sprintf("%.2f", v)
  return sprintf("%.3f", v)
}

# How many times better `ours` is than `who`: "2.40x (2.31x)"; nothing if one of them is not there.
function against(what, ours, who,   a, b, n, j, k, r, ratio, times) {
  if (!((what, ours) in count) || !((what, who) in count)) return ""
  look(what, ours); a = best
  look(what, who); b = best
  if (a <= 0 || b <= 0) return ""
  ratio = better == "less" ? b / a : a / b
  n = 0
  for (j = 1; j <= count[what, ours] && j <= count[what, who]; j++) {
    a = value[what, ours, j]; b = value[what, who, j]
    if (a <= 0 || b <= 0) continue
    r = better == "less" ? b / a : a / b
    for (k = ++n; k > 1 && times[k - 1] > r; k--) times[k] = times[k - 1]
    times[k] = r
  }
  if (n == 0) return sprintf("%.2fx", ratio)
  return sprintf("%.2fx (%.2fx)", ratio, n % 2 ? times[(n + 1) / 2] : (times[n / 2] + times[n / 2 + 1]) / 2)
}

# What `against` says of us, and of each other way in which we took part: "0.81x (0.80x), pinned 0.95x (0.94x)".
function ratios(what, who,   j, text, more) {
  if (!is_peer(who)) return ""
  text = against(what, "apus", who)
  for (j = 1; j <= who_count; j++) {
    if (whos[j] !~ /^apus-/ || (more = against(what, whos[j], who)) == "") continue
    text = text (text == "" ? "" : ", ") substr(whos[j], 6) " " more
  }
  return text
}

# Those that we compare with, in what there is to compare.
function is_peer(who) { return who !~ /^(apus|budget)/ && unit !~ /cache line|lost|retransmits/ }

function plain(   i, j, line) {
  line = "%-" width "s  %-16s %-" unit_width "s %10s %10s %10s  %s\n"
  if (heading) printf "\n" line, "case", "who", work, "best", "median", "worst", "apus is"
  for (i = 1; i <= case_count; i++)
    for (j = 1; j <= who_count; j++) {
      if ((cases[i], whos[j]) in count) {
        look(cases[i], whos[j])
        printf line, cases[i], whos[j], unit, number(best), number(median), number(worst),
          ratios(cases[i], whos[j])
      } else if (heading && (cases[i], whos[j]) in missing)
        printf line, cases[i], whos[j], "absent", "-", "-", "-", missing[cases[i], whos[j]]
    }
}

function markdown(   i, j, shown, text, used) {
  for (j = 1; j <= who_count; j++) for (i = 1; i <= case_count; i++)
    if ((cases[i], whos[j]) in count) used[whos[j]] = 1
  printf "%s, %s is better: best of all rounds (median)\n\n|", unit, better
  for (j = 1; j <= who_count; j++) if (whos[j] in used) printf " | %s", whos[j]
  for (j = 1; j <= who_count; j++) if (whos[j] in used && is_peer(whos[j])) printf " | apus against %s", whos[j]
  printf " |\n|---"
  for (j = 1; j <= who_count; j++) if (whos[j] in used) printf "|--:"
  for (j = 1; j <= who_count; j++) if (whos[j] in used && is_peer(whos[j])) printf "|--:"
  print "|"
  for (i = 1; i <= case_count; i++) {
    shown = 0
    text = "| " cases[i]
    for (j = 1; j <= who_count; j++) {
      if (!(whos[j] in used)) continue
      if ((cases[i], whos[j]) in count) {
        look(cases[i], whos[j])
        text = text " | " number(best) (count[cases[i], whos[j]] > 1 ? " (" number(median) ")" : "")
        shown = 1
      } else if ((cases[i], whos[j]) in missing) text = text " | absent"; else text = text " |"
    }
    for (j = 1; j <= who_count; j++)
      if (whos[j] in used && is_peer(whos[j])) text = text " | " ratios(cases[i], whos[j])
    if (shown) print text " |"
  }
}

END {
  if (!seen && !heading) exit
  # Those that have figures come first.
  for (i = 1; i <= absent_count; i++) { split(absents[i], pair, FS); note_case(pair[1]); note_who(pair[2]) }
  if (format == "markdown") markdown(); else plain()
}
