using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace AsArm.Cli.Commands;

/// <summary>Adds examples to the end of the help texts.</summary>
internal static class Examples
{
    private static readonly Dictionary<string, string> s_examples = new()
    {
        ["infill"] = """
            asarm infill "Once there was a <mask> who lived in a <mask:2>."
            asarm infill "Once upon a time, <mask:20>" --temperature 0.7 --seed 1 --samples 3
            asarm infill "He opened the <mask>, but there was nothing <mask>." --json
            asarm infill --window "$(cat story.txt)"      a text with gaps, longer than the model takes
            asarm infill --input texts.jsonl --output filled.jsonl      lines like {"text": "A <mask:2> day.", "seed": 7}
            """,
        ["score"] = """
            asarm score "The cat [[sat on]] the mat."
            asarm score "[[Tom]] opened the [[door]]." --json
            asarm score --whole --per word "Tom opened the door."
            asarm score --input texts.txt --output scores.jsonl      a text with spans in each line
            """,
        ["candidates"] = """
            asarm candidates "The cat sat on the <mask>." --top 3
            asarm candidates "Tom was <mask:2> because he lost his <mask>." --beams 200 --json
            """,
        ["tokens"] = """
            asarm tokens "The cat <mask:3> the mat."
            asarm tokens "Tom was <mask> because <mask:6>." --pieces --json
            """,
        ["verify"] = """
            asarm verify --model models/tiny
            asarm verify --model my-export --tolerance 1e-3
            """,
        ["info"] = """
            asarm info
            asarm info --model models/tiny
            """,
        ["bench"] = """
            asarm bench
            asarm bench --repeats 10 --threads 1
            """,
        ["serve"] = """
            asarm serve
            asarm serve --model small=models/tiny --port 8081 --api-key-file keys.txt
            asarm serve --config server.json
            asarm serve --metrics --otlp http://127.0.0.1:4318
            """,
    };

    /// <summary>Makes --help of every subcommand end with its examples.</summary>
    public static void AddTo(RootCommand root)
    {
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((SynchronousCommandLineAction)help.Action!);
    }

    private sealed class HelpWithExamples(SynchronousCommandLineAction help) : SynchronousCommandLineAction
    {
        /// <summary>Help is printed whatever else is wrong with the arguments, such as a missing TEXT.</summary>
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            int code = help.Invoke(parseResult);
            IEnumerable<string> shown = parseResult.CommandResult.Command is RootCommand
                ? s_examples.Values.Select(text => text.Split('\n')[0])
                : s_examples[parseResult.CommandResult.Command.Name].Split('\n');
            TextWriter output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            foreach (string line in shown)
                output.WriteLine("  " + line.TrimEnd());
            return code;
        }
    }
}
