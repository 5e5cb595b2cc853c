# Builds the programs of tools/fuzz, which sources it.
# shellcheck shell=bash

readonly fuzz_build=$project_root/.build/fuzz
readonly fuzz_sources=$project_root/Sources
readonly fuzz_tests=$project_root/Tests
readonly fuzz_own=$project_root/tools/fuzzing
readonly fuzz_checkouts=$project_root/.build/checkouts
# Objects of the program that is being built.
declare -a fuzz_objects=()

# is_older MADE FILE...: whether a file, or one of what is in a folder, is newer than what was made of them.
is_older() {
  local made=$1
  shift
  [[ ! -e $made ]] || { (($# > 0)) && [[ -n $(find "$@" -newer "$made" -print -quit) ]]; }
}

# module FOLDER NAME SANITIZERS "OPTION..." FILE...: compiles a module of Swift into FOLDER, unless it is newer than its
# files and all modules before it. Of `fuzzer,address` the first has what the module reaches guide the search. Options
# overrule those here. Checks of arithmetic and bounds stay in: they are what must not fire.
module() {
  local folder=$1 name=$2 sanitizers=$3 options=$4 object
  shift 4
  object=$folder/$name.o
  # Files that come or go are changes too.
  printf '%s\n' "$options" "$@" >"$folder/$name.files.new"
  cmp -s "$folder/$name.files"{,.new} || cp "$folder/$name.files"{.new,}
  if is_older "$object" "$@" "$folder/$name.files" "${fuzz_objects[@]}"; then
    note "module $name"
    # shellcheck disable=SC2086
    swiftc -O -gline-tables-only -swift-version 6 -parse-as-library -package-name apus -enable-testing \
      -suppress-warnings -enable-upcoming-feature ExistentialAny -enable-upcoming-feature MemberImportVisibility \
      -sanitize="$sanitizers" -Xcc "-fmodule-map-file=$fuzz_build/CLinux/module.modulemap" -Xcc -D_GNU_SOURCE \
      -Xcc -I/usr/include/libnl3 -I "$fuzz_sources/CNetlink" -I "$folder" -I "$fuzz_build" $options \
      -module-name "$name" -wmo -emit-module -emit-module-path "$folder/$name.swiftmodule" -c "$@" -o "$object" ||
      return
  fi
  fuzz_objects+=("$object")
}

# swift_files FOLDER...: all below.
swift_files() { find "$@" -name '*.swift' | LC_ALL=C sort; }

# c_objects FOLDER HEADERS FILE...: compiles files of C.
c_objects() {
  local folder=$1 headers=$2 file object
  shift 2
  mkdir -p "$folder"
  for file in "$@"; do
    object=$folder/$(basename "$file" .c).o
    if is_older "$object" "$file"; then
      clang -O1 -g -fsanitize=address -D_GNU_SOURCE -I "$headers" -c "$file" -o "$object" || return
    fi
    fuzz_objects+=("$object")
  done
}

# base_modules: from Frames up to the data plane, for both programs.
base_modules() {
  local name map=$fuzz_build/CLinux/module.modulemap
  mkdir -p "$fuzz_build/CLinux"
  [[ -e $map ]] || printf 'module CLinux { header "%s" export * }\n' "$fuzz_sources/CLinux/include/CLinux.h" >"$map"
  fuzz_objects=()
  c_objects "$fuzz_build/CLinux" "$fuzz_sources/CLinux/include" "$fuzz_sources"/CLinux/*.c || return
  for name in Frames LinuxHost VhostUser Dataplane; do
    # shellcheck disable=SC2046
    module "$fuzz_build" "$name" fuzzer,address "" $(swift_files "$fuzz_sources/$name") || return
  done
}

# link PROGRAM OPTION...: makes it of all objects.
link() {
  local program=$1
  shift
  ! is_older "$program" "${fuzz_objects[@]}" ||
    swiftc -sanitize=fuzzer,address -use-ld=lld "${fuzz_objects[@]}" -lnl-route-3 -lnl-3 "$@" -o "$program"
}

# The modules below the control side, with mock guests and drivers of the tests'.
build_plane() {
  local folder=$fuzz_build/plane
  mkdir -p "$folder"
  base_modules || return
  # shellcheck disable=SC2046
  {
    module "$folder" Capture fuzzer,address "" $(swift_files "$fuzz_sources"/Capture/{Pcapng,Summary}) &&
      module "$folder" GuestKit address "" $(swift_files "$fuzz_tests/GuestKit") &&
      module "$folder" TestSupport address "" "$fuzz_tests"/TestSupport/{Choices,SeededRandom}.swift &&
      module "$folder" FuzzPlane address "" $(swift_files "$fuzz_own"/{shared,plane}) \
        "$fuzz_tests"/DataplaneTests/Support/{ContractBench,DrivenBench,DrivenWorker,StreamPeer}.swift \
        "$fuzz_tests/DataplaneTests/Egress/EgressModel.swift" \
        "$fuzz_tests"/VhostUserTests/{HostileMessage,RecordingOwner,SessionTransport}.swift
  } || return
  link "$folder/fuzz"
}

# The modules that read lab files, and of the API what its bodies are made of.
build_lab() {
  local folder=$fuzz_build/lab yaml=$fuzz_checkouts/Yams/Sources options
  [[ -d $yaml && -d $fuzz_checkouts/swift-log ]] || die "no Yams, swift-log and swift-http-types in $fuzz_checkouts; run swift build first"
  mkdir -p "$folder"
  base_modules || return
  c_objects "$folder/CYaml" "$yaml/CYaml/include" "$yaml"/CYaml/src/*.c || return
  # What these modules do takes no time; optimising them would.
  options="-Onone -DSWIFT_PACKAGE -I $yaml/CYaml/include -I $fuzz_sources/CPcap"
  # shellcheck disable=SC2046
  {
    module "$folder" Yams fuzzer,address "$options" $(swift_files "$yaml/Yams") &&
      module "$folder" Logging address "$options" $(swift_files "$fuzz_checkouts/swift-log/Sources/Logging") &&
      module "$folder" Topology fuzzer,address "$options" $(swift_files "$fuzz_sources/Topology") &&
      module "$folder" Capture address "$options" $(swift_files "$fuzz_sources/Capture") &&
      module "$folder" Lab fuzzer,address "$options" $(swift_files "$fuzz_sources/Lab") &&
      module "$folder" HTTPTypes address "$options" \
        $(swift_files "$fuzz_checkouts/swift-http-types/Sources/HTTPTypes") &&
      module "$folder" Control fuzzer,address "$options" $(swift_files "$fuzz_sources"/Control/{Rows,Listing}) \
        "$fuzz_sources"/Control/Table/{HostPaths,PercentCoding,QueryText,Route,RouteRow+HTTP,Shape,Shape+Check,TextForm}.swift \
        "$fuzz_sources"/Control/{JSON,Product,Metrics/MetricsFormat,Server/HTTPRefusal,Top/Traffic}.swift \
        "$fuzz_own/control/Answer.swift" &&
      module "$folder" FuzzLab address "$options" $(swift_files "$fuzz_own"/{shared,lab})
  } || return
  link "$folder/fuzz" -lpcap
}
