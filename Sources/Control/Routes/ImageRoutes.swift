import Hummingbird
import Lab
import NIOCore
import Topology

extension API {
  package static let images = Route<NoQuery, NoBody, Single<[ImageRow]>>(
    .get, "/v1/images", "The images of this host, and what was unpacked for labs.")
  package static let image = Route<NoQuery, NoBody, Single<ImageRow>>(
    .get, "/v1/images/{image}", "One image, by its name, or `sha256:` and the beginning of its digest.",
    errors: [.notFound])
  package static let imageAdd = Route<ImageQuery, Bytes<ImageUpload>, Single<ImageRow>>(
    .post, "/v1/images",
    "Checks an image, unpacks it if need be, and keeps it under a name; the answer comes at its end.",
    errors: [.different], mayMake: true)
  package static let imageRemove = Route<NoQuery, NoBody, Nothing>(
    .delete, "/v1/images/{image}", "Removes an image that no machine's disk lies over; 404 once it is gone.",
    errors: [.notFound])
}

/// The bytes of an image.
package enum ImageUpload: UploadKind {
  package static let types = ["application/octet-stream"]
  package static let text = "The image's file."
  /// `path` says it, too.
  package static let isRequired = false
  package static let limit = 256 << 30
}

/// What an image that is added is called, and is.
package struct ImageQuery: RouteQuery {
  /// Nil = that of the file, without its ending.
  package var name: String?
  package var format: String?
  package var path: String?

  package init() {}

  /// What a body may be; `raw` are a disk's bytes.
  static let formats = ["qcow2", "raw", "vmdk", "ova"]

  package static let shape = Shape.object(
    "ImageQuery", "What an image that is added is called, and is.",
    [
      Field(optional: "name", .form(.imageName), "Its name; one is needed for a body."),
      Field(optional: "format", .choice(formats), "What the body is; `qcow2` without it, or what its first bytes say."),
      Field(optional: "path", .form(.path), "In the place of a body: a file of the daemon's host.").onSocket(),
    ])
}

/// The catalogue of images, which all labs of this host share.
struct ImageRoutes: Routes {
  let service: any LabService

  private var catalogue: ImageCatalogue { ImageCatalogue(directories: service.directories) }

  var routes: [ServedRoute] {
    [
      API.images.answers { _ in catalogue.entries().map { ImageRow($0) } },
      API.image.answers { call in ImageRow(try catalogue.find(call.name)) },
      API.imageAdd.responds { call in try await add(call) },
      API.imageRemove.does { call in _ = try catalogue.remove(call.name) },
    ]
  }

  private func add(_ call: Call<ImageQuery, Bytes<ImageUpload>>) async throws -> Response {
    let query = call.query
    if let path = query.path { return try await add(path, called: query.name) }
    guard let name = query.name else {
      throw UserError(.badInput, "query key \"name\" is missing", hint: "it says what the image is called from now on")
    }
    let file = try UploadedFile(called: "\(name).\(query.format ?? "qcow2")", in: service.directories)
    guard try await call.request.save(in: file, limit: ImageUpload.limit) > 0 else {
      throw UserError(.badInput, "there is no image in the body", hint: "curl --data-binary @FILE, or path=FILE")
    }
    do {
      return try await add(file.path, called: name)
    } catch let error as UserError {
      throw UserError(error.code, error.message.replacing("image \(file.path)", with: "the body"), hint: error.hint)
    }
  }

  private func add(_ path: String, called name: String?) async throws -> Response {
    let known = Set(catalogue.entries().compactMap(\.name))
    do {
      let entry = try await catalogue.add(path, name: name, progress: { _ in })
      let wasThere = entry.name.map { known.contains($0) } ?? false
      return try Answer.json(ImageRow(entry), status: wasThere ? .ok : .created)
    } catch let error as UserError where error.code == .failed && error.message.hasPrefix("there is an image ") {
      // The same image once more, which another file has brought.
      let digest = HostLabFacts(directories: service.directories).sha256(of: path)
      if let name, let known = try? catalogue.find(name), known.image.digest == digest {
        return try Answer.json(ImageRow(known))
      }
      throw UserError(.different, error.message, hint: error.hint)
    }
  }
}

extension Request {
  /// Writes the body into a file, as it comes.
  /// - Returns: bytes.
  /// - Throws: `UserError` for one that is too large, and when the disk is full.
  func save(in file: UploadedFile, limit: Int) async throws -> Int {
    var size = 0
    for try await chunk in body {
      size += chunk.readableBytes
      guard size <= limit else {
        throw HTTPRefusal(.contentTooLarge, "the body is over \(limit) bytes", ends: true)
      }
      try file.write([UInt8](chunk.readableBytesView))
    }
    return size
  }
}
