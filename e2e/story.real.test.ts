import { describeStory } from './story/tell-on-lab.ts';

describeStory('the story on real components', 'lab');
