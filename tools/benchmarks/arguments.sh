# Checks of what tools/bench is told. Sourced by tools/bench.
# shellcheck shell=bash

# check_number OPTION VALUE LEAST MOST
check_number() {
  [[ $2 =~ ^[0-9]{1,9}$ ]] && ((10#$2 >= $3 && 10#$2 <= $4)) || usage_error "$1 takes a number from $3 to $4, not '$2'"
}

# check_numbers OPTION LIST LEAST MOST: numbers with commas between.
check_numbers() {
  local value
  [[ -n $2 && $2 != *, && $2 != ,* && $2 != *,,* ]] || usage_error "$1 takes numbers with commas between, not '$2'"
  for value in ${2//,/ }; do check_number "$1" "$value" "$3" "$4"; done
}

# check_word OPTION VALUE WORD...
check_word() {
  local option=$1 value=$2 word
  shift 2
  for word in "$@"; do [[ $value != "$word" ]] || return 0; done
  local known="$*"
  usage_error "$option takes ${known// / or }, not '$value'"
}

# check_words OPTION LIST WORD...: words with commas between.
check_words() {
  local option=$1 list=$2 value
  shift 2
  [[ -n $list && $list != *, && $list != ,* && $list != *,,* ]] || usage_error "$option takes words with commas between, not '$list'"
  for value in ${list//,/ }; do check_word "$option" "$value" "$@"; done
}

# take_common OPTION VALUE: options that most measurements have; false if it is another one. Sets rounds and seconds.
take_common() {
  case $1 in
    --rounds) check_number "$1" "${2-}" 1 1000; rounds=$2 ;;
    --seconds) check_number "$1" "${2-}" 1 3600; seconds=$2 ;;
    *) return 1 ;;
  esac
}

# no_options ARGUMENT...: of measurements that take none.
no_options() { (($# == 0)) || usage_error "unknown option $1"; }

