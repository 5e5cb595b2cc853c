/// What shells read: they hand the line over to `apus complete-line` and show what it answers.
///
/// Our own, as the ones that swift-argument-parser makes know no aliases, and take `sw1:core` for three words in bash.
enum CompletionScript {
  static let bash = #"""
    # bash completion of apus; made by `apus completion bash`

    _apus() {
      # bash takes : and = for ends of words, which stand in names of ports and in settings: what is written without a
      # blank between is one word again.
      local rest=${COMP_LINE:0:COMP_POINT} word index
      local -a words=()
      for ((index = 0; index <= COMP_CWORD; index++)); do
        word=${COMP_WORDS[index]}
        if ((index == 0)) || [[ -z $rest || $rest == [[:space:]]* ]]; then
          rest=${rest#"${rest%%[![:space:]]*}"}
          words+=("")
        fi
        # The word of the cursor goes on behind it.
        ((index == COMP_CWORD)) && word=$rest
        words[${#words[@]} - 1]+=$word
        rest=${rest#"$word"}
      done
      local current=${words[${#words[@]} - 1]} breaks= head= line kind=
      [[ $COMP_WORDBREAKS == *:* ]] && breaks+=:
      [[ $COMP_WORDBREAKS == *=* ]] && breaks+==
      # What is before the last of them is there already.
      [[ -n $breaks ]] && head=${current%"${current##*[$breaks]}"}
      COMPREPLY=()
      while IFS= read -r line; do
        if [[ -z $kind ]]; then kind=$line; else COMPREPLY+=("${line#"$head"}"); fi
      done < <("${words[0]}" complete-line bash "${words[@]:1}" 2>/dev/null)
      case $kind in
        files) compopt -o filenames 2>/dev/null ;;
        open) compopt -o nospace 2>/dev/null ;;
      esac
    }

    complete -F _apus apus

    """#

  static let zsh = #"""
    #compdef apus
    # zsh completion of apus; made by `apus completion zsh`

    _apus() {
      emulate -L zsh
      local line kind value text tab=$'\t'
      local -a lines plain plain_texts open open_texts
      lines=("${(@f)$("${words[1]}" complete-line zsh "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
      kind=$lines[1]
      shift lines
      for line in $lines; do
        value=${line%%$tab*}
        text=$value
        [[ $line == *$tab?* ]] && text="$value  -- ${line#*$tab}"
        if [[ $value == *[=/] ]]; then
          open+=("$value")
          open_texts+=("$text")
        else
          plain+=("$value")
          plain_texts+=("$text")
        fi
      done
      local -a files
      [[ $kind == files ]] && files=(-f)
      local -i status_=1
      (( $#plain )) && compadd $files -l -d plain_texts -a plain && status_=0
      (( $#open )) && compadd $files -S '' -l -d open_texts -a open && status_=0
      return $status_
    }

    if [[ "${funcstack[1]}" = _apus ]]; then
      _apus "$@"
    else
      compdef _apus apus
    fi

    """#

  static let fish = #"""
    # fish completion of apus; made by `apus completion fish`

    function __apus_complete
        set -l words (commandline -opc)
        set -l current (commandline -ct)
        $words[1] complete-line fish $words[2..-1] "$current" 2>/dev/null
    end

    complete -c apus -f -a '(__apus_complete)'

    """#
}
