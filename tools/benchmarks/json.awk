# Lines of results.sh's `results` to measurements of the JSON, one a line, in the order in which they came first.

BEGIN { FS = "\t" }

{
  gsub(/[\\"]/, "")
  key = $1 FS $2 FS $3 FS $4
  if (!(key in count)) { keys[++total] = key; better[key] = $5 }
  rounds[key] = rounds[key] (count[key]++ ? ", " : "") $6
  value[key, count[key]] = $6 + 0
}

END {
  for (i = 1; i <= total; i++) {
    key = keys[i]
    n = count[key]
    for (j = 1; j <= n; j++) {
      v = value[key, j]
      for (k = j; k > 1 && sorted[k - 1] > v; k--) sorted[k] = sorted[k - 1]
      sorted[k] = v
    }
    median = n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
    split(key, f, FS)
    printf "{\"work\": \"%s\", \"case\": \"%s\", \"who\": \"%s\", \"unit\": \"%s\", \"better\": \"%s\", ", f[1], f[2], f[3], f[4], better[key]
    printf "\"best\": %s, \"median\": %s, \"rounds\": [%s]}%s\n", (better[key] == "less" ? sorted[1] : sorted[n]), median, rounds[key], (i < total ? "," : "")
  }
}
