# What lies where in the package apus. Sourced by tools/package; each function takes the folder that becomes `/` first.
# shellcheck shell=bash

# put_program FOLDER PROGRAM: without symbols, which are half of it.
put_program() {
  install -D -m 755 "$2" "$1/usr/bin/apus"
  strip --strip-all --remove-section=.comment "$1/usr/bin/apus"
}

# put_guest FOLDER GUEST FILE...: files of the built-in guest, where the program looks for them.
put_guest() {
  local folder=$1/usr/share/apus/guest guest=$2 file
  shift 2
  mkdir -p "$folder"
  for file; do install -m 644 "$guest/$file" "$folder/$file"; done
}

# put_links FOLDER: by which others find the program, and the places that must be there.
put_links() {
  # Relative, as links of packages are. Wireshark and container runtimes know the program by these names.
  mkdir -p "$1/usr/lib/x86_64-linux-gnu/wireshark/extcap" "$1/usr/lib/cni" "$1/etc/apus"
  ln -s ../../../../bin/apus "$1/usr/lib/x86_64-linux-gnu/wireshark/extcap/apus-extcap"
  ln -s ../../bin/apus "$1/usr/lib/cni/apus"
  install -D -m 644 "$project_root/tools/systemd/apus@.service" "$1/lib/systemd/system/apus@.service"
  # Not in /etc/xen/scripts: that folder is another package's, and few hosts have it. xl takes the whole path.
  install -D -m 755 "$project_root/tools/xen/vif-apus" "$1/usr/share/apus/xen/vif-apus"
  install -D -m 644 "$project_root/tools/packaging/lintian-overrides" "$1/usr/share/lintian/overrides/apus"
}

# put_netlab FOLDER: the provider for netlab, which a person links where netlab looks.
put_netlab() {
  local source=$project_root/tools/netlab/apus file
  while read -r file; do
    install -D -m 644 "$source/$file" "$1/usr/share/apus/netlab/apus/$file"
  done < <(find "$source" -type f ! -path '*/__pycache__/*' -printf '%P\n' | LC_ALL=C sort)
}

# put_texts FOLDER PROGRAM: what the program writes of itself: completion of three shells, manual pages.
put_texts() {
  local folder=$1 program=$2 page
  mkdir -p "$folder/usr/share/bash-completion/completions" "$folder/usr/share/zsh/vendor-completions" \
    "$folder/usr/share/fish/vendor_completions.d"
  "$program" completion bash >"$folder/usr/share/bash-completion/completions/apus"
  "$program" completion zsh >"$folder/usr/share/zsh/vendor-completions/_apus"
  "$program" completion fish >"$folder/usr/share/fish/vendor_completions.d/apus.fish"
  "$project_root/tools/man" "$work/man" "$program" >&2
  while read -r page; do
    install -D -m 644 "$page" "$folder/usr/share/man/man${page##*.}/${page##*/}"
    gzip -9n "$folder/usr/share/man/man${page##*.}/${page##*/}"
  done < <(find "$work/man" -type f -name '*.[1-9]' | LC_ALL=C sort)
}

# put_documents FOLDER: the guide and its like, example labs, what changed, and whose work all of it is.
put_documents() {
  local folder=$1/usr/share/doc/apus file
  mkdir -p "$folder/examples"
  install -m 644 "$project_root"/docs/*.md "$folder/"
  # What those pages show, and the dashboard that they tell of.
  for file in "$project_root"/docs/{grafana/*.json,images/*.png,performance/*.svg}; do
    install -D -m 644 "$file" "$folder/${file#"$project_root/docs/"}"
  done
  cp -r "$project_root"/topologies/. "$folder/examples/"
  # Links into the folder where the guest is built.
  for file in vmlinuz initramfs.gz; do ln -sf "../../../../apus/guest/$file" "$folder/examples/netboot/$file"; done
  find "$folder/examples" -type f -exec chmod 644 {} +
  gzip -9nc "$project_root/CHANGELOG.md" >"$folder/changelog.gz"
  debian_changelog | gzip -9n >"$folder/changelog.Debian.gz"
  check_licences
  install -m 644 "$project_root/tools/packaging/copyright" "$folder/copyright"
  notices | gzip -9n >"$folder/NOTICE.gz"
  guest_copyright | gzip -9n >"$folder/guest-copyright.gz"
}

# guest_copyright: what Debian says of the programs and libraries in the guest.
guest_copyright() {
  local name
  for name in "${guest_packages[@]}"; do
    printf '=== %s\n\n' "$name"
    cat "/usr/share/doc/$name/copyright"
    printf '\n'
  done
}

# debian_changelog: of the package itself (Debian Policy, 4.4); what users see has changed is in the other one.
debian_changelog() {
  local date
  date=$(LC_ALL=C date -uRd "@$SOURCE_DATE_EPOCH")
  printf 'apus (%s) bookworm; urgency=medium\n\n' "$version"
  printf '  * Version %s; what is new is in /usr/share/doc/apus/changelog.gz.\n\n' "${version%-*}"
  printf -- ' -- %s  %s\n' "$(maintainer)" "$date"
}

# linked_packages: Swift packages of which something is linked into the program that was built last, one a line. One
# whose modules the linker is handed is among them, whether or not it leaves them out then.
linked_packages() {
  local list=$project_root/.build/release/apus.product/Objects.LinkFileList module folder
  [[ -s $list ]] || die "$list is missing or empty, so nobody knows whose work is in the program; build it here"
  sed -n 's#.*/\([^/]*\)\.build/.*#\1#p' "$list" | sort -u |
    while read -r module; do
      for folder in "$project_root"/.build/checkouts/*/Sources/"$module"; do
        [[ ! -d $folder ]] || basename "$(dirname "$(dirname "$folder")")"
      done
    done | LC_ALL=C sort -u
}

# check_licences: each of them must be named in the copyright file.
check_licences() {
  local name names
  names=$(linked_packages)
  [[ -n $names ]] || die "the list of what is linked into the program names no package of .build/checkouts"
  while read -r name; do
    grep -qw -- "$name" "$project_root/tools/packaging/copyright" ||
      die "the program contains $name: add it to tools/packaging/copyright"
  done <<<"$names"
}

# notices: what those packages ask to have handed on (Apache License 2.0, 4d).
notices() {
  local name names file
  names=$(linked_packages)
  while read -r name; do
    file=$project_root/.build/checkouts/$name/NOTICE.txt
    [[ -f $file ]] || continue
    printf '=== %s\n\n' "$name"
    cat "$file"
    printf '\n'
  done <<<"$names"
}
