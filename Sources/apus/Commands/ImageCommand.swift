import ArgumentParser
import Control
import Foundation
import Lab

struct ImageCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "image", abstract: "Disk images and appliances that lab files call by name.",
    subcommands: [
      ImageAddCommand.self, ImageListCommand.self, ImageShowCommand.self, ImageRemoveCommand.self,
    ]
  )
  .withExamples("image")

  static var catalogue: ImageCatalogue {
    ImageCatalogue(directories: LabDirectories.resolve(environment: Variables.all), environment: Variables.all)
  }
}

struct ImageAddCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Check an image, unpack it if need be, and keep it under a name.",
    discussion: "FILE is qcow2, raw (its name ends in .raw or .img), VMDK, OVA or OVF; it is not needed afterwards."
  )
  .withExamples("image add")

  @Argument(help: "The image.", completion: .file()) var file: String
  @Option(name: .long, help: "Its name; that of the file, without its ending, if not said. (APUS_NAME)")
  var name: String?
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let path = URL(filePath: file, relativeTo: URL(filePath: FileManager.default.currentDirectoryPath + "/"))
    let entry = try await ImageCommand.catalogue.add(
      path.standardizedFileURL.path, name: Variables.option(name, "NAME"), progress: { Output.words($0) })
    try output.write([ImageRow(entry)])
  }
}

struct ImageListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the images, and what was unpacked for labs.", aliases: ["ls"]
  )
  .withExamples("image list")

  @OptionGroup var output: OutputOptions

  func run() async throws { try output.write(ImageCommand.catalogue.entries().map { ImageRow($0) }) }
}

struct ImageShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show what an image is and, of an appliance, its machines."
  )
  .withExamples("image show")

  @Argument(help: "Its name, or sha256: and the beginning of its digest.", completion: Names.images) var name: String
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let row = ImageRow(try ImageCommand.catalogue.find(name))
    Output.data(try output.rendering.text(row, table: row.lines))
  }
}

struct ImageRemoveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Remove images that no machine's disk lies over.", aliases: ["rm"]
  )
  .withExamples("image remove")

  @Argument(help: "Names, or sha256: and the beginning of a digest.", completion: Names.images) var names: [String]

  func run() async throws {
    for name in names {
      let entry = try ImageCommand.catalogue.remove(name)
      Output.words("image \(entry.shownName) removed")
    }
  }
}
