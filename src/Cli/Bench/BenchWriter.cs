using System.Globalization;
using System.Text;
using AsArm.Benchmarks.Texts;
using AsArm.Cli.Options;
using AsArm.Cli.Output;
using AsArm.Cli.Streams;
using AsArm.Inference.Devices;
using AsArm.Inference.DraftMeasurement;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;

namespace AsArm.Cli.Bench;

/// <summary>asarm bench --write: measures the drafting figures of a model and writes them into its folder.</summary>
internal static class BenchWriter
{
    private const string DocumentEnd = "<|endoftext|>";
    private const int MaxBytes = 64 << 20;

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The texts of some files, or those of the bench.</summary>
    /// <exception cref="UsageException">A file cannot be read, is too large or no UTF-8.</exception>
    public static IReadOnlyList<DraftingText> Read(IReadOnlyList<string> files) => files.Count == 0
        ? [new DraftingText("The bench", BenchmarkTexts.All)]
        : [.. files.Select(file => new DraftingText(file, Content(file).Split(DocumentEnd)))];

    public static int Run(TextInfiller infiller, Device device, IReadOnlyList<DraftingText> texts, int repeats, CommandStreams streams, CancellationToken cancellationToken)
    {
        var measurement = new DraftingMeasurement(infiller);
        Write(() => DraftingWriter.RequireWritable(infiller.Folder)); // before minutes are spent
        (DraftingFigures figures, int drafts) = measurement.Measure(texts, repeats, cancellationToken);
        Write(() => DraftingWriter.Write(infiller.Folder, figures));
        streams.OutputWriter.WriteLine(
            $"{infiller.Folder.Name}, {device}: {Counts.Of(drafts, "draft token")} verified. {DraftingSummary.Of(figures)}.");
        return ExitCode.Done;
    }

    private static void Write(Action action)
    {
        try
        {
            action();
        }
        catch (IOException error)
        {
            throw new OutputException(error.Message);
        }
    }

    private static string Content(string file)
    {
        try
        {
            if (file.Length == 0)
                throw new UsageException("--text names no file.");
            if (Directory.Exists(file))
                throw new UsageException($"--text {file} is a folder.");
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            var bytes = new byte[MaxBytes + 1];
            int count = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return count <= MaxBytes
                ? s_utf8.GetString(bytes, 0, count).TrimStart('\uFEFF')
                : throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"--text {file} has more than {MaxBytes >> 20} MiB."));
        }
        catch (DecoderFallbackException)
        {
            throw new UsageException($"--text {file} is not UTF-8.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--text {file} cannot be read: {error.Message}");
        }
    }
}
