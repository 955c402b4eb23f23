using System.Text;
using System.Text.Json;
using AsArm.Inference;
using Spectre.Console;

namespace AsArm.Cli;

/// <summary>asarm infill --input: fills the lines of a file in batches; a bad line is reported and the others are still done.</summary>
internal sealed class InfillLines(InfillArguments arguments)
{
    private readonly Queue<int> _lines = []; // numbers of the lines under way
    private int _done;
    private int _failed;
    private TextWriter? _output;

    public int Run(CancellationToken cancellation)
    {
        RequireUsableFiles();
        using Stream input = OpenInput();
        using TextInfiller infiller = arguments.Open();
        IAnsiConsole progress = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        try
        {
            if (Console.IsErrorRedirected)
                Fill(infiller, input, () => { }, cancellation);
            else
                progress.Status().Start("Filling", status => Fill(infiller, input, () => status.Status($"{_done} lines filled"), cancellation));
        }
        finally
        {
            _output?.Dispose();
        }

        Console.Error.WriteLine($"{_done} lines filled, {_failed} failed");
        return _failed == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private void Fill(TextInfiller infiller, Stream input, Action report, CancellationToken cancellation)
    {
        var writer = new InfillWriter(infiller.Folder.Name, arguments.Options.Sampler, arguments.Device);
        foreach (InfillResult result in infiller.InfillMany(Requests(infiller, input), cancellation))
        {
            _output ??= OpenOutput(); // not before: a model that fails leaves the file as it was
            int line = _lines.Dequeue();
            if (result.Warning is string warning)
                Console.Error.WriteLine($"asarm: line {line}: {warning}");
            _output.WriteLine(writer.ToJsonLine(result, line));
            _output.Flush();
            _done++;
            report();
        }

        _output ??= OpenOutput();
    }

    /// <summary>The good lines; the others are reported.</summary>
    private IEnumerable<InfillRequest> Requests(TextInfiller infiller, Stream input)
    {
        foreach ((int number, string? text) in JsonLines.Read(input))
        {
            if ((text is not null && string.IsNullOrWhiteSpace(text)) || Parse(infiller, number, text) is not InfillRequest request)
                continue;
            _lines.Enqueue(number);
            yield return request;
        }
    }

    private InfillRequest? Parse(TextInfiller infiller, int number, string? line)
    {
        try
        {
            InfillRequest request = ParseLine(line ?? throw new FormatException("no valid UTF-8"), number);
            infiller.Validate(request.Text, request.Options);
            return request;
        }
        catch (FormatException error)
        {
            Console.Error.WriteLine($"asarm: line {number}: {error.Message.ReplaceLineEndings(" ")}");
            _failed++;
            return null;
        }
    }

    private InfillRequest ParseLine(string line, int number)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return ToRequest(document.RootElement, number);
        }
        catch (JsonException error)
        {
            throw new FormatException($"no valid JSON at byte {error.BytePositionInLine}");
        }
        catch (InvalidOperationException)
        {
            throw new FormatException("a string with half a surrogate pair");
        }
    }

    private InfillRequest ToRequest(JsonElement root, int number)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new FormatException("no JSON object");
        if (!root.TryGetProperty("text", out JsonElement text) || text.ValueKind != JsonValueKind.String)
            throw new FormatException("no string \"text\"");
        long? seed = arguments.Options.Seed + number - 1;
        if (root.TryGetProperty("seed", out JsonElement given))
        {
            if (given.ValueKind != JsonValueKind.Number || !given.TryGetInt64(out long value))
                throw new FormatException("\"seed\" is no whole number");
            seed = value;
        }

        return new InfillRequest(text.GetString()!, arguments.Options with { Seed = seed });
    }

    private void RequireUsableFiles()
    {
        if (arguments.Input != "-" && arguments.Output is not (null or "-") && FinalPath(arguments.Input!) == FinalPath(arguments.Output))
            throw new UsageException("--output is the --input file.");
        if (arguments.Output is not (null or "-") && !Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(arguments.Output))))
            throw new UsageException($"--output {arguments.Output} cannot be written: there is no such folder.");
    }

    private static string FinalPath(string path)
    {
        try
        {
            return File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path);
        }
        catch (IOException)
        {
            return Path.GetFullPath(path); // nothing there yet
        }
    }

    private Stream OpenInput()
    {
        if (arguments.Input == "-")
            return Console.OpenStandardInput();
        try
        {
            return File.OpenRead(arguments.Input!);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--input {arguments.Input} cannot be read: {error.Message}");
        }
    }

    private StreamWriter OpenOutput()
    {
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        if (arguments.Output is null or "-")
            return new StreamWriter(Console.OpenStandardOutput(), utf8) { NewLine = "\n" };
        try
        {
            // Shared with nobody: this fails, before anything is cut off, where the input is the same file by another name.
            var file = new FileStream(arguments.Output, FileMode.Create, FileAccess.Write, FileShare.None);
            return new StreamWriter(file, utf8) { NewLine = "\n" };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--output {arguments.Output} cannot be written: {error.Message}");
        }
    }
}
