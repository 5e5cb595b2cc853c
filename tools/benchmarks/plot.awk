# A plot as SVG of one measurement in one unit, from lines of results.sh's `results`: the best of all rounds.
#
# -v work, unit, title. -v kind=bars: a group a case, a bar each who; line: a curve each who over the number that the case
# begins with, by powers of two. -v pattern: only cases that match. Prints nothing if there is no figure.

BEGIN { FS = "\t" }

$1 == work && $4 == unit && $2 ~ pattern {
  if (!($2 in known_case)) { known_case[$2] = 1; cases[++case_count] = $2 }
  if (!($3 in known_who)) { known_who[$3] = 1; whos[++who_count] = $3 }
  better = $5
  v = $6 + 0
  if (!(($2, $3) in best) || (better == "less" ? v < best[$2, $3] : v > best[$2, $3])) best[$2, $3] = v
}

function escape(text) { gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); gsub(/>/, "\\&gt;", text); return text }

function number(v) {
  if (v == int(v)) return sprintf("%d", v)
  if (v >= 100) return sprintf("%.0f", v)
  return v >= 10 ? sprintf("%.1f", v) : sprintf("%.2f", v)
}

function text(x, y, anchor, size, what, more) {
  printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%d\"%s>%s</text>\n", x, y, anchor, size, more, escape(what)
}

# A round step of which about `count` reach `most`.
function step_of(most, count,   raw, power) {
  raw = most / count
  power = 1
  while (power * 10 <= raw) power *= 10
  while (power > raw) power /= 10
  if (raw <= power * 2) return power * 2
  if (raw <= power * 5) return power * 5
  return power * 10
}

function log2(v) { return log(v) / log(2) }

function legend(   j, x) {
  x = left
  for (j = 1; j <= who_count; j++) {
    printf "<rect x=\"%.1f\" y=\"38\" width=\"12\" height=\"12\" fill=\"%s\"/>\n", x, colour[(j - 1) % 8 + 1]
    text(x + 17, 48, "start", 12, whos[j], "")
    x += 34 + 7 * length(whos[j])
  }
}

function head(   most_label) {
  printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" role=\"img\">\n", width, height, width, height
  printf "<title>%s</title>\n<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n", escape(title), width, height
  text(left, 22, "start", 15, title ", " unit ", " better " is better", " font-weight=\"bold\"")
  legend()
}

# Bars lie, so that the names of cases have room.
function bars(   i, j, y, length_, base, bar) {
  left = 12
  for (i = 1; i <= case_count; i++) if (7 * length(cases[i]) + 16 > label) label = 7 * length(cases[i]) + 16
  bar = 16
  width = 860
  base = left + label
  height = 70
  for (i = 1; i <= case_count; i++) { for (j = 1; j <= who_count; j++) if ((cases[i], whos[j]) in best) height += bar; height += 14 }
  height += 16
  head()
  y = 66
  for (i = 1; i <= case_count; i++) {
    first = y
    for (j = 1; j <= who_count; j++) {
      if (!((cases[i], whos[j]) in best)) continue
      length_ = most > 0 ? best[cases[i], whos[j]] / most * (width - base - 70) : 0
      printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", base, y, length_, bar - 3, colour[(j - 1) % 8 + 1]
      text(base + length_ + 5, y + bar - 5, "start", 11, number(best[cases[i], whos[j]]), "")
      y += bar
    }
    text(base - 8, (first + y) / 2 + 3, "end", 12, cases[i], "")
    y += 14
  }
  printf "<line x1=\"%.1f\" y1=\"60\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#444444\"/>\n", base, base, y - 8
}

function curve(   i, j, k, v, x, y, low, high, bottom, top, unit_step, tick, points, mark) {
  left = 64; width = 720; height = 400; top = 70; bottom = 350
  for (i = 1; i <= case_count; i++) at[i] = cases[i] + 0
  low = high = at[1]
  for (i = 1; i <= case_count; i++) { if (at[i] < low) low = at[i]; if (at[i] > high) high = at[i] }
  if (low <= 0) exit
  if (high == low) high = low * 2
  # In order of their numbers.
  for (i = 1; i <= case_count; i++) { order[i] = i; for (k = i; k > 1 && at[order[k - 1]] > at[i]; k--) order[k] = order[k - 1]; order[k] = i }
  head()
  unit_step = step_of(most, 6)
  most = unit_step * (int(most / unit_step) + 1)
  for (tick = 0; tick <= most + unit_step / 2; tick += unit_step) {
    y = bottom - tick / most * (bottom - top)
    printf "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#dddddd\"/>\n", left, y, width - 20, y
    text(left - 8, y + 4, "end", 11, number(tick), "")
  }
  for (i = 1; i <= case_count; i++) {
    x = left + log2(at[i] / low) / log2(high / low) * (width - 40 - left)
    printf "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#444444\"/>\n", x, bottom, x, bottom + 5
    text(x, bottom + 19, "middle", 11, at[i], "")
  }
  name = cases[1]
  sub(/^[0-9]+ */, "", name)
  text((left + width) / 2, bottom + 38, "middle", 12, name, "")
  for (j = 1; j <= who_count; j++) {
    points = ""
    for (k = 1; k <= case_count; k++) {
      i = order[k]
      if (!((cases[i], whos[j]) in best)) continue
      v = best[cases[i], whos[j]]
      x = left + log2(at[i] / low) / log2(high / low) * (width - 40 - left)
      y = bottom - v / most * (bottom - top)
      points = points sprintf("%.1f,%.1f ", x, y)
      printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"/>\n", x, y, colour[(j - 1) % 8 + 1]
    }
    printf "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>\n", points, colour[(j - 1) % 8 + 1]
  }
}

END {
  if (!case_count) exit
  split("#0072b2 #d55e00 #009e73 #cc79a7 #e69f00 #56b4e9 #8c564b #666666", colour, " ")
  for (key in best) if (best[key] > most) most = best[key]
  if (kind == "line") curve(); else bars()
  print "</svg>"
}
