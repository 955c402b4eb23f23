using System.Security.Cryptography;
using AsArm.Inference.Devices;

namespace AsArm.Inference.ModelFolders;

/// <summary>A model folder, written by tools/export. Its format, fields, files and their hashes have been checked.</summary>
public sealed class ModelFolder
{
    internal const string OnnxFile = "model.onnx";
    internal const string CachedOnnxFile = "model_cached.onnx";
    internal const string Float32OnnxFile = "model_float32.onnx";
    internal const string CachedFloat32OnnxFile = "model_cached_float32.onnx";
    internal const string WeightsFile = OnnxFile + "_data";
    internal const string ManifestFile = "asarm.json";
    internal const string TokenizerFile = "spiece.model";
    internal const string VocabularyFile = "vocab.json";
    internal const string MergesFile = "merges.txt";
    internal const string GoldenFile = "golden.safetensors";
    internal const string NgramsFile = "ngrams.bin";
    internal const string DraftHeadFile = "draft_head.safetensors";

    private ModelFolder(string path, ModelManifest manifest)
    {
        FullPath = path;
        Manifest = manifest;
    }

    /// <summary>Absolute path of the folder.</summary>
    public string FullPath { get; }

    /// <summary>The name of the folder, without its parent folders.</summary>
    public string Name => Path.GetFileName(Path.TrimEndingDirectorySeparator(FullPath));

    /// <summary>The content of asarm.json.</summary>
    public ModelManifest Manifest { get; }

    /// <summary>The graph without a key/value cache, which evaluates whole sequences.</summary>
    public string OnnxPath => Path.Combine(FullPath, OnnxFile);

    /// <summary>The graph with the key/value cache; null for a folder without it.</summary>
    public string? CachedOnnxPath => Optional(CachedOnnxFile);

    /// <summary>The stateless graph of an int8 or int4 model that computes in float32, for GPUs and cross-checks; null for a folder without it.</summary>
    public string? Float32OnnxPath => Optional(Float32OnnxFile);

    /// <summary>The float32 graph with the key/value cache; null for a folder without it.</summary>
    public string? CachedFloat32OnnxPath => Optional(CachedFloat32OnnxFile);

    /// <summary>Whether the folder has a tokenizer of either kind; without one it can be used with tokens only.</summary>
    public bool HasTokenizer => Manifest.IsByteLevel || TokenizerPath is not null;

    /// <summary>The SentencePiece model; null for a folder without a tokenizer, or with a byte-level BPE (<see cref="ModelManifest.Tokenizer" />).</summary>
    public string? TokenizerPath => Optional(TokenizerFile);

    /// <summary>The recorded inputs and logits; null for a folder without them.</summary>
    public string? GoldenPath => Optional(GoldenFile);

    /// <summary>The n-gram table from which the sampler `fused` drafts; null for a folder without it.</summary>
    public string? NgramsPath => Optional(NgramsFile);

    /// <summary>The draft head from which the sampler `fused` drafts; null for a folder without it.</summary>
    public string? DraftHeadPath => Optional(DraftHeadFile);

    /// <summary>Opens a folder and checks all of its files.</summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="ModelFolderException">A file is missing, damaged or not listed; the message names it.</exception>
    public static ModelFolder Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string full = Path.GetFullPath(path);
        if (!Directory.Exists(full))
            throw new ModelFolderException($"There is no model folder {path}.");
        var folder = new ModelFolder(full, ManifestReader.Read(Path.Combine(full, ManifestFile)));
        foreach (string name in folder.Manifest.IsByteLevel ? [OnnxFile, "config.json", VocabularyFile, MergesFile] : new[] { OnnxFile, "config.json" })
        {
            if (!folder.Manifest.Files.ContainsKey(name))
                throw new ModelFolderException($"{ManifestFile} in {path} does not list {name}.");
        }

        if (folder.Manifest.IsByteLevel && folder.TokenizerPath is not null)
            throw new ModelFolderException($"{ManifestFile} in {path} lists {TokenizerFile} beside the tokenizer {ModelManifest.ByteLevelBpe}: it must have one tokenizer.");

        foreach ((string name, ModelManifest.FileEntry entry) in folder.Manifest.Files)
            CheckFile(full, name, entry);

        foreach (string name in new[] { TokenizerFile, GoldenFile, CachedOnnxFile, Float32OnnxFile, CachedFloat32OnnxFile, WeightsFile, NgramsFile, DraftHeadFile })
        {
            if (!folder.Manifest.Files.ContainsKey(name) && File.Exists(Path.Combine(full, name)))
                throw new ModelFolderException($"{path} contains {name}, which {ManifestFile} does not list: it cannot be checked.");
        }

        return folder;
    }

    /// <summary>Path of the graph for a device and precision; null if a cache is requested and the folder has no such graph.</summary>
    /// <exception cref="DeviceNotAvailableException">The folder has no graph for this device.</exception>
    /// <exception cref="ModelFolderException">The folder has no graph that computes in float32.</exception>
    internal string? GraphPath(ExecutionSettings execution, bool useCache)
    {
        if (execution.Float32 && Manifest.Precision == "float16")
            throw new ModelFolderException($"{FullPath} is of precision float16 and has no graphs that compute in float32.");
        if (!Manifest.IsInteger || !execution.UsesFloat32Graphs)
            return useCache ? CachedOnnxPath : OnnxPath;
        if (Float32OnnxPath is null && execution.Device == Device.Cpu)
            throw new ModelFolderException($"{FullPath} has no {Float32OnnxFile}: export it again.");
        if (Float32OnnxPath is null)
            throw new DeviceNotAvailableException($"{FullPath} is of precision {Manifest.Precision} and has no {Float32OnnxFile}, so it runs on CPUs only: for {execution.Device} export it again, or with --precision fp16.");
        return useCache ? CachedFloat32OnnxPath : Float32OnnxPath;
    }

    /// <summary>Reads a listed file and checks its hash again, on the bytes that are returned.</summary>
    /// <exception cref="ModelFolderException">The file has changed since the folder was opened, or cannot be read.</exception>
    internal byte[] Read(string name)
    {
        string path = Path.Combine(FullPath, name);
        byte[] bytes = RegularFile.Read(path, ModelLimits.BytesOf(name));
        RequireEntry(path, bytes.Length, SHA256.HashData(bytes), Manifest.Files[name]);
        return bytes;
    }

    private static void CheckFile(string folder, string name, ModelManifest.FileEntry entry)
    {
        if (name.AsSpan().ContainsAny(Path.GetInvalidFileNameChars()))
            throw new ModelFolderException($"{ManifestFile} lists {name}, which is not a plain file name.");
        string path = Path.Combine(folder, name);
        using Stream stream = RegularFile.Open(path, ModelLimits.BytesOf(name), out long length);
        try
        {
            RequireLength(path, length, entry); // before the whole file is read
            RequireEntry(path, length, SHA256.HashData(stream), entry);
        }
        catch (Exception error) when (RegularFile.IsAccessError(error))
        {
            throw new ModelFolderException($"{path} cannot be read to its end.", error);
        }
    }

    private static void RequireLength(string path, long length, ModelManifest.FileEntry entry)
    {
        if (length != entry.Bytes)
            throw new ModelFolderException($"{path} has {length} bytes, {ManifestFile} says {entry.Bytes}: truncated or changed.");
    }

    private static void RequireEntry(string path, long length, byte[] hash, ModelManifest.FileEntry entry)
    {
        RequireLength(path, length, entry);
        if (!Convert.ToHexString(hash).Equals(entry.Sha256, StringComparison.OrdinalIgnoreCase))
            throw new ModelFolderException($"{path} has another SHA-256 than {ManifestFile} says: damaged or changed.");
    }

    private string? Optional(string name) => Manifest.Files.ContainsKey(name) ? Path.Combine(FullPath, name) : null;
}
